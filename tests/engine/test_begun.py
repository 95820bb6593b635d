"""What is begun now and waited for later."""

import threading

import pytest

from custmeasure.engine.begun import begun


def test_answer_comes_from_another_thread_while_this_one_works():
    here, go = threading.get_ident(), threading.Event()

    def answer():
        go.wait(5)
        return threading.get_ident()

    with begun(answer) as waiting:
        assert not waiting.done()
        go.set()
        assert waiting.result(5) != here


def test_what_it_raises_is_raised_where_it_is_waited_for():
    with pytest.raises(ZeroDivisionError), begun(lambda: 1 / 0) as waiting:
        waiting.result(5)


def test_leaving_early_waits_for_it():
    done = threading.Event()
    go = threading.Event()

    def answer():
        go.wait(5)
        done.set()

    def leave():
        with begun(answer):
            go.set()
            raise KeyError

    with pytest.raises(KeyError):
        leave()
    assert done.is_set()
