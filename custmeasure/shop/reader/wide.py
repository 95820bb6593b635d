# ruff: noqa: ANN001, ANN201, ANN202 - numba takes values by position
# mypy: ignore-errors
"""Eight or sixty-four bytes at a time: what numba has no words for, said to LLVM.

None of these asks whether the bytes are there: who calls them does.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

WIDTH = 64  # bytes that `marked` looks at

_BYTES = ir.VectorType(ir.IntType(8), WIDTH)
_BIT, _WORD = ir.IntType(1), ir.IntType(64)


@intrinsic
def word(_, data, at):
    """Return the eight bytes at ``data[at]`` as one number, as they lie in memory."""

    def code(context, builder, signature, args):
        place = _place(context, builder, signature, args, _WORD)
        return builder.load(place, align=1)

    return types.uint64(data, at), code


@intrinsic
def put_word(_, data, at, value):
    """Write the eight bytes of ``value`` to ``data[at]``."""

    def code(context, builder, signature, args):
        place = _place(context, builder, signature, args, _WORD)
        builder.store(args[2], place, align=1)
        return context.get_dummy_value()

    return types.void(data, at, value), code


@intrinsic
def marked(_, data, at, delimiter):
    """Return which of the `WIDTH` bytes at ``data[at]`` are not plain, the first in the lowest bit.

    Plain is visible ASCII except the double quote and the delimiter.
    """

    def code(context, builder, signature, args):
        found = builder.load(_place(context, builder, signature, args, _BYTES), align=1)
        outside = builder.icmp_unsigned(">=", builder.sub(found, _all(33)), _all(127 - 33))
        quote = builder.icmp_unsigned("==", found, _all(34))
        end = builder.icmp_unsigned("==", found, _spread(builder, args[2]))
        return builder.bitcast(builder.or_(outside, builder.or_(quote, end)), ir.IntType(WIDTH))

    return types.uint64(data, at, delimiter), code


@intrinsic
def lowest(_, bits):
    """Return the place of the lowest bit; there must be one."""

    def code(_context, builder, _signature, args):
        return builder.cttz(args[0], ir.Constant(_BIT, 1))

    return types.uint64(bits), code


def _place(context, builder, signature, args, kind):
    """Return where ``kind`` lies in the array that is the first argument, at the second."""
    array = context.make_array(signature.args[0])(context, builder, args[0])
    return builder.bitcast(builder.gep(array.data, [args[1]]), kind.as_pointer())


def _all(value):
    return ir.Constant(_BYTES, [value] * WIDTH)


def _spread(builder, value):
    """Return a vector that holds ``value`` everywhere."""
    places = ir.VectorType(ir.IntType(32), WIDTH)
    unset = ir.Constant(_BYTES, ir.Undefined)
    first = builder.insert_element(unset, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, unset, ir.Constant(places, [0] * WIDTH))
