"""The house stands: who may import whom, which room may hold which library, what no room may do."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parent.parent / "custmeasure"

# From the cellar to the roof: a module imports only from its own room and from rooms before it.
ROOMS = (
    ("lazy",), ("language",), ("errors",), ("dates",), ("stats",), ("show",), ("engine",), ("shop",),
    ("history",), ("measure",), ("manage",), ("improve",), ("notebook",), ("report",), ("cli", "__main__"),
)  # fmt: skip
PLACE = {room: place for place, rooms in enumerate(ROOMS) for room in rooms}

# Library → the only modules that may import it.
OWNERS = {
    "duckdb": "engine/",
    "pyspark": "engine/",
    "psycopg": "engine/",
    "matplotlib": "show/plots/",
    "papermill": "report/",
    "nbconvert": "report/",
    "nbclient": "report/",
}
HEAVY = {"sklearn", "statsmodels", "pyspark", "openpyxl"}

# What asks the clock, and the rooms that may.
CLOCK = {"now", "utcnow", "today", "localtime", "gmtime", "time_ns", "ctime"}
CLOCKED = ("report/", "cli.py")

# Here alone a quoted name becomes SQL, for databases that a shop keeps its tables in.
WRITES_SQL = "engine/statement.py"
# Its markdown passes the sanitiser before it reaches a page.
SANITISED = "report/clean.py"

SQL = re.compile(r"\b(SELECT|INSERT INTO|DELETE FROM|CREATE|DROP|ALTER|COPY|ATTACH)\b")

Complaints = Iterator[tuple[ast.AST, str]]


def short(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


def name_of(path: Path) -> str:
    parts = ("custmeasure", *path.relative_to(HOUSE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


TREES = {path: ast.parse(path.read_text("utf-8")) for path in sorted(HOUSE.rglob("*.py"))}
KNOWN = {name_of(path) for path in TREES}


# --- reading a module -------------------------------------------------------------------------------


def imports(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield every module that is imported, by its full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((each, node) for each in targets(node))


def targets(node: ast.ImportFrom) -> Iterator[str]:
    """Yield the modules that ``from module import names`` reaches."""
    for alias in node.names:
        inner = f"{node.module}.{alias.name}"
        yield inner if inner in KNOWN else str(node.module)


def inner_imports(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Yield the house's own modules that a module imports when it runs, not for its types alone."""
    asked = [node for node in TREES[path].body if isinstance(node, ast.If)]
    aside = {
        each
        for node in asked
        if "TYPE_CHECKING" in ast.unparse(node.test)
        for each in ast.walk(node)
    }
    for module, node in imports(TREES[path]):
        if module.split(".")[0] == "custmeasure" and node not in aside:
            yield module, node


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Yield every call with the last part of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, called(node)


def called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


# --- who imports whom -------------------------------------------------------------------------------


def imports_run_one_way(path: Path) -> Complaints:
    own = room(name_of(path))
    for module, node in inner_imports(path):
        # Through the front door one reaches every room: only the last rooms may use it, and it itself.
        if own and PLACE[room(module) or "notebook"] > PLACE[own]:
            yield node, module


def imports_are_absolute(path: Path) -> Complaints:
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node, "relative import"


def no_two_measures_know_each_other(path: Path) -> Complaints:
    own = name_of(path).split(".")
    if own[1:2] != ["measure"] or len(own) < 3:
        return
    for module, node in inner_imports(path):
        other = module.split(".")
        if other[1:2] == ["measure"] and other[2:3] != own[2:3]:
            yield node, module


def a_library_stays_in_its_room(path: Path) -> Complaints:
    for module, node in imports(TREES[path]):
        owner = OWNERS.get(module.split(".")[0])
        if owner and not short(path).startswith(owner):
            yield node, f"{module} belongs to {owner}"


def no_import_hides_in_a_function(path: Path) -> Complaints:
    for function in ast.walk(TREES[path]):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for module, node in imports(function):
                if module.split(".")[0] not in HEAVY:
                    yield node, module


def test_every_room_has_its_place():
    rooms = {room(name_of(path)) for path in TREES} - {""}
    assert rooms <= set(PLACE), "a new room must be given its place in ROOMS"


def test_there_is_no_circle():
    graph = {
        name_of(path): {module for module, _ in inner_imports(path)} - {name_of(path)}
        for path in TREES
    }
    done: set[str] = set()

    def walk(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " → ".join([*trail[trail.index(module) :], module])
        if module not in done:
            for each in graph.get(module, ()):
                walk(each, (*trail, module))
            done.add(module)

    for module in graph:
        walk(module, ())


# --- SQL is constant (S18) --------------------------------------------------------------------------


def is_glued(node: ast.AST) -> bool:
    """Whether a text is put together when the program runs."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add | ast.Mod)
    return isinstance(node, ast.Call) and called(node) in (
        "format",
        "join",
        "replace",
        "format_map",
    )


def is_sql(node: ast.AST) -> bool:
    """Whether the constant text within an expression reads like SQL."""
    parts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
    return bool(SQL.search(" ".join(part for part in parts if isinstance(part, str))))


def s18_no_sql_is_glued_together(path: Path) -> Complaints:
    if short(path) == WRITES_SQL:
        return
    functions = [
        each for each in ast.walk(TREES[path]) if isinstance(each, ast.FunctionDef | ast.Lambda)
    ]
    running = {inner for function in functions for inner in ast.walk(function)}
    for node in ast.walk(TREES[path]):
        # Constants may be put together when the module is read; f-strings not even then.
        if (node in running or isinstance(node, ast.JoinedStr)) and is_glued(node) and is_sql(node):
            yield node, "SQL put together"


class Texts:
    """Which expressions of a module are constant texts, whatever the program is given."""

    def __init__(self, tree: ast.Module) -> None:
        self.names = constant_names(tree)
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        self.inside = {inner: function for function in functions for inner in ast.walk(function)}
        self.calls = [call for call, _ in calls(tree)]

    def constant(self, node: ast.AST) -> bool:
        """Whether an expression is a literal, a constant, or a sum of such."""
        if isinstance(node, ast.Subscript):
            return self.constant(node.value)
        if isinstance(node, ast.BinOp):
            return (
                isinstance(node.op, ast.Add)
                and self.constant(node.left)
                and self.constant(node.right)
            )
        if isinstance(node, ast.Name):
            return node.id in self.names or self.only_given_constants(node)
        return isinstance(node, ast.Constant) and isinstance(node.value, str)

    def only_given_constants(self, node: ast.Name) -> bool:
        """Whether it is the argument of a private function that only ever gets constants."""
        function = self.inside.get(node)
        given = [argument.arg for argument in function.args.args] if function else []
        if node.id not in given or not function.name.startswith("_"):
            return False
        place = given.index(node.id)
        texts = [call.args[place] for call in self.calls if called(call) == function.name]
        return bool(texts) and all(self.constant(text) for text in texts)


def constant_names(tree: ast.Module) -> set[str]:
    """Return the module's own constants, and those that it imports."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return {name for name in names if name.isupper()}


def s18_a_query_is_a_constant(path: Path) -> Complaints:
    if short(path).startswith("engine/"):
        return  # the engine runs what it is given
    texts = Texts(TREES[path])
    for call, name in calls(TREES[path]):
        if name == "query" and not texts.constant(call.args[0]):
            yield call, ast.unparse(call.args[0])


# --- what no room may do ----------------------------------------------------------------------------


def s19_no_text_is_evaluated(path: Path) -> Complaints:
    for call, name in calls(TREES[path]):
        if isinstance(call.func, ast.Attribute):
            if name in ("query", "eval"):
                yield call, f".{name}( runs a user's expression"
        elif name in ("eval", "exec", "compile", "__import__"):
            yield call, name


def is_styler(node: ast.AST) -> bool:
    """Whether a node is ``frame.style`` being used: ``.style.…``, returned or shown as it is."""
    inner = getattr(node, "value", None)
    holds = isinstance(node, ast.Attribute | ast.Expr | ast.Return)
    return holds and isinstance(inner, ast.Attribute) and inner.attr == "style"


def escapes_not(keyword: ast.keyword) -> bool:
    return keyword.arg == "escape" and ast.unparse(keyword.value) == "False"


def s02_no_markup_goes_out_unescaped(path: Path) -> Complaints:
    for node in ast.walk(TREES[path]):
        if is_styler(node) and "matplotlib" not in ast.unparse(node):
            yield node, ".style"
        elif isinstance(node, ast.Call) and called(node) in ("HTML", "to_html"):
            yield node, called(node)
        elif isinstance(node, ast.keyword) and short(path) != SANITISED and escapes_not(node):
            yield node.value, "escape=False"


def nothing_is_printed(path: Path) -> Complaints:
    for call, name in calls(TREES[path]):
        if name == "print" and isinstance(call.func, ast.Name):
            yield call, "print"


def only_the_runner_asks_the_clock(path: Path) -> Complaints:
    if short(path).startswith(CLOCKED):
        return
    for call, name in calls(TREES[path]):
        if name in CLOCK or ast.unparse(call.func) == "time.time":
            yield call, ast.unparse(call.func)


def no_assert_checks_what_comes_in(path: Path) -> Complaints:
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Assert):
            yield node, "assert"


RULES = [
    imports_run_one_way, imports_are_absolute, no_two_measures_know_each_other, a_library_stays_in_its_room,
    no_import_hides_in_a_function, s18_no_sql_is_glued_together, s18_a_query_is_a_constant,
    s19_no_text_is_evaluated, s02_no_markup_goes_out_unescaped, nothing_is_printed,
    only_the_runner_asks_the_clock, no_assert_checks_what_comes_in,
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps_the_rule(rule):
    assert [
        f"{short(path)}:{node.lineno} {what}" for path in TREES for node, what in rule(path)
    ] == []


# --- the rules catch what they are for ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "glued"),
    [
        ('f"SELECT * FROM {table}"', True),
        ('"SELECT * FROM " + table', True),
        ('"SELECT %s FROM t" % name', True),
        ('"SELECT {} FROM t".format(name)', True),
        ('" ".join(["SELECT", name])', True),
        ('"SELECT 1"', False),
        ('f"SELECT 1"', False),
        ('f"Select {one} from the list"', False),
    ],
)
def test_glued_sql_is_recognised(code, glued):
    node = ast.parse(code, mode="eval").body
    assert (is_glued(node) and is_sql(node)) == glued


@pytest.mark.parametrize(
    ("code", "constant"),
    [
        ("query(_TEXT)", True),
        ("query(_TEXT + _MORE)", True),
        ("query(_TEXTS[kind])", True),
        ("query('SELECT 1')", True),
        ("query(text)", False),
        ("query(_TEXT + text)", False),
        ("query(f'SELECT {x}')", False),
        ("query(_TEXT.replace('a', b))", False),
        ("def _one(text):\n    query(_TEXT + text)\n_one(_MORE)", True),
        ("def _one(text):\n    query(text)\n_one(_MORE)\n_one(given)", False),
        ("def one(text):\n    query(text)\none(_MORE)", False),
    ],
)
def test_a_constant_query_is_recognised(code, constant):
    tree = ast.parse(f"_TEXT = 'a'\n_MORE = 'b'\n_TEXTS = {{}}\n{code}")
    (call,) = [call for call, name in calls(tree) if name == "query"]
    assert Texts(tree).constant(call.args[0]) == constant


@pytest.mark.parametrize(
    ("code", "styler"),
    [("frame.style.format('x')", True), ("frame.style", True), ("styled(making.style)", False)],
)
def test_a_styler_is_recognised(code, styler):
    assert any(is_styler(node) for node in ast.walk(ast.parse(code))) == styler
