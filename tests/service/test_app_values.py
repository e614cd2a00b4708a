"""Values of parameters in command lines of apps: no value is executed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchcompute.service.domain.app_commands.substitution import UnsafeLine, substitute, variables
from batchcompute.service.domain.app_commands.words import BUILTINS, HARMLESS_BUILTINS, KEYWORDS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="runs commands as Linux does")

_CANDIDATES = {
    "dash": ["dash", "-c"],
    "bash": ["bash", "-c"],
    "posix": ["bash", "--posix", "-c"],
    "busybox": ["busybox", "sh", "-c"],
    # In the same way as the service runs a line: see the shim in `runtime.command`.
    "eval": ["sh", "-c", '(eval "shift\n$1")', "batchcompute"],
}
SHELLS = {name: words for name, words in _CANDIDATES.items() if shutil.which(words[0])}
ENV = ["env", "x=a  b"]
NAMES = variables(["x", "y", "a-b"])

PROGRAMS = {
    # Records its arguments.
    "args": '#!/bin/sh\nprintf "%s\\0" "$#" "$@" >>"$RECORD"\n',
    # The command that an attack tries to execute.
    "mark": '#!/bin/sh\necho "$0 $*" >>"$MARK"\n',
}
SCRIPTS = {
    "args.sh": PROGRAMS["args"] + 'echo "$1"\n',
    "args.py": "import os, sys\n"
    "with open(os.environ['RECORD'], 'ab') as file:\n"
    "    for word in [str(len(sys.argv) - 1), *sys.argv[1:]]:\n"
    "        file.write(os.fsencode(word) + b'\\0')\n",
    "other.sh": "echo other\n",
    "data": "data\n",
}


class Place:
    """A directory in which command lines run."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.work = base / "work"
        self.record, self.mark = base / "record", base / "mark"
        (base / "bin").mkdir()
        for name, text in PROGRAMS.items():
            (base / "bin" / name).write_text(text)
            (base / "bin" / name).chmod(0o755)
        self._path = f"{base / 'bin'}:{os.environ['PATH']}"

    def run(self, shell: Sequence[str], line: str, values: Sequence[str]) -> list[str]:
        """Run a line in a new directory; return all words that were recorded."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.record.unlink(missing_ok=True)
        (self.work / "dir").mkdir(parents=True)
        for folder in (self.work, self.work / "dir"):
            for name, text in SCRIPTS.items():
                (folder / name).write_text(text)
                (folder / name).chmod(0o755)
        own = {"PATH": self._path, "RECORD": str(self.record), "MARK": str(self.mark), "SET": "two words"}
        variables = dict(zip(NAMES.values(), values, strict=False))
        process = subprocess.Popen(
            [*shell, line], env={**own, **variables}, cwd=self.work, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            # Processes that the shell started outlive it.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        if not self.record.exists():
            return []
        return self.record.read_bytes().decode("utf-8", "surrogateescape").split("\0")[:-1]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture(scope="module")
def shared() -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as folder:
        yield Place(Path(folder))


# -- lines that are accepted --------------------------------------------------------------------

NASTY = [
    "", "plain", "a b", " ", "$(mark)", "`mark`", "${x}", "$HOME", "; mark", "& mark", "| mark", "\nmark\n", "'", '"',
    "'; mark; '", '"; mark; "', "\\", "\\'", "*", "?", "~", "{a,b}", "#", "!", "a[$(mark)]", "-v a[$(mark)]", "-n",
    "-c mark", "-e", "--", "() { :;}; mark", "é \udcff\x01\t", "mark", "import os; os.system('mark')",
]  # fmt: skip
ACCEPTED = [
    # The line, and the arguments of `args`; {} is the value.
    ("args ${x}", ["{}"]),
    ('args "${x}"', ["{}"]),
    ("args '${x}'", ["{}"]),
    ("args ''${x}\"\"", ["{}"]),
    ("args '' \"\" ${x}", ["", "", "{}"]),
    ("args --in=${x} -o ${x}", ["--in={}", "-o", "{}"]),
    ('args --in="${x}" "--out=${x}" pre/${x}.txt', ["--in={}", "--out={}", "pre/{}.txt"]),
    ('args "Hello, ${x}!" \'to you, ${x}?\'', ["Hello, {}!", "to you, {}?"]),
    ("args Hello, ${x}", ["Hello,", "{}"]),
    ('args "${x}${x}" ${x}${x}', ["{}{}"] * 2),
    ('args "$BC_PARAM_x" "${BC_PARAM_x}"', ["{}"] * 2),
    ("args ${x} $SET \"$SET\" '$SET' ${SET}x", ["{}", "two", "words", "two words", "$SET", "two", "wordsx"]),
    ('args "$SET/${x}" $SET/${x}', ["two words/{}"] * 2),
    ("args ''$UNSET \"$UNSET\" $UNSET ${x}", ["", "", "{}"]),
    ('args "\\${x}" \\$ ${x}', ["${x}", "$", "{}"]),
    ("args \\* \\' \"\\\"\" '*' 'a\nb' \"a\\b\" ${x}", ["*", "'", '"', "*", "a\nb", "a\\b", "{}"]),
    ("args dat* ${x}", ["data", "{}"]),
    ("args \\\n ${x}\\\n ar\\\ngs", ["{}", "args"]),
    ("# it's ${x} | `\nargs ${x} # ${x}'", ["{}"]),
    ("\n\n  args ${x}\n\n", ["{}"]),
    ("args ${x};", ["{}"]),
    ("true && args ${x} || args no", ["{}"]),
    ("false ||\n\n args ${x}", ["{}"]),
    ("set -eu; : ${x}; echo ${x}; true ${x}; args ${x}", ["{}"]),
    ("printf '%s|%5d%%' ${x} ${x}; args ${x}", ["{}"]),
    ("cd dir && ./args.sh ${x} -o ${x}", ["{}", "-o", "{}"]),
    ("args ${x} >out 2>&1", ["{}"]),
    ("> out args 2>>err ${x} <data", ["{}"]),
    ("args 2 >out 2>/dev/null ${x}", ["2", "{}"]),
    ("python3 args.py ${x}", ["{}"]),
    ("python3 ./dir/args.py -c ${x} < data > out", ["-c", "{}"]),
    ("sh args.sh ${x}", ["{}"]),
    ("bash args.sh ${x} -c ${x} >>log", ["{}", "-c", "{}"]),
    ("perl -e 'exit 1' || args ${x}", ["{}"]),
    ("mkdir -p made; echo in ${x}; ./args.sh ${x}", ["{}"]),
]  # fmt: skip
NATURAL = [
    "cp -rf ${x} ${y}",
    "cp -rf ${x} ${y}; cat ${x}x > ${y}y",
    "printf '%s|' ${x} ${y} \"${x}\" $SET",
    "exit ${x}",
    "sleep ${x}",
    "echo Hello, ${x}",
    "cd dir && ./prog --in=${x} -o ${y}",
    "java -jar tool.jar I=${x} O=${y}",
    "./prog ${x} > ${y}",
]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("wanted", ACCEPTED, ids=lambda item: item[0])
def test_a_program_gets_each_value_as_it_is(place: Place, shell: str, wanted: tuple[str, list[str]]) -> None:
    line, words = wanted
    written = substitute(line, NAMES)
    # Each line gets a part of the values with each shell; together, the lines use all values.
    step = 16 if line.startswith("python3") else 6
    for value in NASTY[(ACCEPTED.index(wanted) + list(SHELLS).index(shell)) % step :: step]:
        expected = [word.replace("{}", value) for word in words]
        assert place.run(SHELLS[shell], written, [value]) == [str(len(words)), *expected], value
    assert not place.mark.exists()


@pytest.mark.parametrize("line", NATURAL)
def test_natural_lines_are_accepted(line: str) -> None:
    written = substitute(line, NAMES, fixed=["y"])
    assert "${x}" not in written
    assert '"${BC_PARAM_x}"' in written


@pytest.mark.parametrize("shell", SHELLS)
def test_a_value_names_one_file(place: Place, shell: str) -> None:
    for value in ("a b", "$(mark)", "* '\"`mark`", "-n", "new\nline"):
        place.run(SHELLS[shell], substitute("echo text > ${x}", NAMES), [value])
        assert (place.work / value).read_text() == "text\n"
        place.run(SHELLS[shell], substitute("false || cat data >> dir/${x}.txt", NAMES), [value])
        assert (place.work / "dir" / f"{value}.txt").read_text() == "data\n"
    assert not place.mark.exists()


@pytest.mark.parametrize(
    "line",
    [
        "args \"$1\" $(args) | args", "sh -c 'echo ${y}'", "echo ${x", "echo $x ${x%a} ${xx}", "if true; then args; fi",
        'sh -c "echo $BC_PARAM_x"',
    ],
)  # fmt: skip
def test_a_line_without_parameters_is_unchanged(line: str) -> None:
    assert substitute(line, variables(["x"])) == line


def test_each_parameter_has_a_unique_variable() -> None:
    assert variables(["x", "a-b", "a_b", "a.b", "a_b_2", "é", "", "a b", "x"]) == {
        "x": "BC_PARAM_x",
        "a-b": "BC_PARAM_a_b_3",
        "a_b": "BC_PARAM_a_b",
        "a.b": "BC_PARAM_a_b_4",
        "a_b_2": "BC_PARAM_a_b_2",
        "é": "BC_PARAM__",
        "": "BC_PARAM_",
        "a b": "BC_PARAM_a_b_5",
    }
    assert substitute("args ${a-b}", NAMES) == 'args "${BC_PARAM_a_b}"'


def test_the_longest_name_wins() -> None:
    assert substitute("args ${a}b}", variables(["a", "a}b"])) == 'args "${BC_PARAM_a_b}"'


# -- lines that are refused ---------------------------------------------------------------------

REFUSED = [
    # Typical ways to execute a value.
    'echo "echo ${x}" | sh', "cat <<EOF | sh\n${x}\nEOF", "python3 -c ${x}", "python3 -c \"print('${x}')\"",
    "awk ${x} data", "awk 'BEGIN{print \"${x}\"}'", "perl -e ${x}", "perl -e 'print \"${x}\"'", 'set -- ${x}; eval "$1"',
    "args $(( ${x} ))", "args $((${x}+1))",
    # Lines that are not lists of simple commands.
    "args ${x} | cat", "cat data | grep ${x}", "args ${x} |& cat", "args ${x} &", "args & args ${x}", "(args ${x})",
    "{ args ${x}; }", "if args ${x}; then args; fi", "while args ${x}; do args; done", "for i in ${x}; do args; done",
    "case ${x} in a) args;; esac", "! args ${x}", "time args ${x}", "f() { args ${x}; }; f", "function f { args ${x}; }",
    "coproc args ${x}", "[[ -v ${x} ]]", "((${x}))", "select i in ${x}; do args; done", "args <<E\n${x}\nE",
    "args <<'E'\n${x}\nE", "args <<< ${x}", "args <(args ${x})", "args >(args ${x})", "args $(args ${x})",
    "args `args ${x}`", 'args "$(args ${x})"', 'args "`args ${x}`"', "args $[${x}]", "args ${x};; args", "; args ${x}",
    "args ${x} &&", "args ${x} || ", "&& args ${x}", "args ${x} ; ; args", "args ${x} && ; args", "until args ${x}; do :; done",
    "if true; then sh; fi; args ${x}", "args ${x} &\n& args",
    # The name of a command.
    "${x}", "${x} a", '"${x}"', "./${x}", "dir/${x} a", "$SET ${x}", "'args' ${x}", "ar\\gs ${x}", "ar* ${x}", "A=1 args ${x}",
    "A=${x} args", "A=${x}", "a[0]=${x}", "A+=${x} args", "> ${x}", "{args} ${x}", "args; $SET; args ${x}", "-x ${x}", "~/a ${x}",
    "args a; A=b; args ${x}",
    # Builtin commands.
    "eval ${x}", "eval 'args ${x}'", ". ${x}", ". ./args.sh ${x}", "source args.sh ${x}", "set ${x}", "set -- ${x}", "set -o ${x}",
    "set +e; args ${x}", "set a; args ${x}", "trap ${x} EXIT", "trap 'args ${x}' EXIT", "export ${x}", "export A=${x}",
    "readonly ${x}", "read ${x}", "read ${x} < data", "test -v ${x}", "[ -v ${x} ]", "test ${x} -eq 1", "[ ${x} -eq 1 ]",
    "let ${x}", "declare ${x}", "typeset ${x}", "local ${x}", "exec ${x}", "exec args ${x}", "command ${x}", "command eval ${x}",
    "builtin eval ${x}", "alias ${x}", "alias a=${x}", "unset ${x}", "unalias ${x}", "printf ${x}", "printf ${x} a", "printf -v ${x} a",
    "printf -v 'a' ${x}", "printf -- ${x}", "printf '%n' ${x}", "printf '%-5n' ${x}", "printf '%ln' ${x}", "printf '%*d' ${x} 1",
    "printf '%(%s)T' ${x}", "printf '%s%' ${x}", "printf 'a'${x} b", "printf $SET ${x}", "printf; args ${x}", "mapfile -C ${x} -c 1 a < data",
    "readarray ${x}", "wait -p ${x}", "enable -f ${x} a", "hash -p ${x} args", "bind -x ${x}", "complete -C ${x}", "compgen -C ${x}",
    "getopts ${x} a", "ulimit ${x}", "umask ${x}", "kill ${x}", "cd ${x}", "cd $SET/${x}", "cd dir/${x} && ./args.sh", "pushd ${x}",
    "type ${x}", "shift ${x}", "times; args ${x}", "break ${x}", "return ${x}", "history -s ${x}", "fc ${x}", "caller ${x}",
    "/usr/bin/read ${x}", "/usr/bin/command ${x}", "/bin/test -v ${x}", "cd d*; args ${x}", "shopt -s ${x}", "chdir ${x}",
    "dirs ${x}", "suspend ${x}", "jobs -x ${x}", "disown ${x}", "compopt ${x}", "exit; wait; args ${x}",
    # Expansions.
    "args $1 ${x}", "args $@ ${x}", "args $* ${x}", "args $_ ${x}", "args $? ${x}", "args $# ${x}", "args $- ${x}", "args $$ ${x}",
    "args $! ${x}", "args $0 ${x}", "args $name ${x}", "args ${name} ${x}", "args ${!x} ${x}", "args ${x@P} ${x}", "args ${#x} ${x}",
    "args ${x:-a} ${x}", "args ${x%a} ${x}", "args ${SET:-${x}}", "args ${SET[${x}]}", "args $'${x}'", 'args $"${x}"', "args $ ${x}", "args \\${x}",
    "args $BC_PARAM_x ${x}", "args ${BC_PARAM_x} ${x}", 'args "$BC_PARAM_q" ${x}', "args $SETx ${x}", 'args "${x:=a}${x}"', "args $\\\n{x} ${x}", "args $SE\\\nT ${x}",
    "args ${SET ${x}",
    # Words with special characters.
    "args {a,${x}}", "args [${x}]", "args ~${x}", "args ~/${x}", "args *${x}", "args ${x}*", "args ${x}?", "args a!${x}", "args a^${x}",
    "args a#${x}", "args \\'${x}", "args \\\"${x}\\\"", 'args "\\"${x}\\""', "args \"'${x}'\"", "args 'a;${x}'", 'args "a;${x}"',
    "args '(${x})'", 'args "a|${x}"', 'args "a\\n${x}"', "args 'a\n${x}'", 'args "$(args)${x}"', "args 'a`${x}'", "args '$A${x}'",
    'args "{${x}}"', 'args "\\${x}${x}"', "args a\r${x}", "args \xa0${x}", "args é${x}", "args \x01 ${x}", "args '\x01' ${x}", "args '${x}",
    'args "${x}', "args ${x} '", 'args ${x} "', "args ${x} \\", "args ${x} `", "args ${x} é", "args ${x} '\x7f'",
    # Redirections.
    "args 2>& ${x}", "args >&${x}", "args <&${x}", "args &> ${x}", "args >| ${x}", "args <> ${x}", "args {fd}> ${x}", "args 12> ${x}",
    "args > ${x}*", "args > da* ${x}", "args > # ${x}", "args ${x} >", "args ${x} > ; args", "args ${x} >\n", "args ${x} >&-", "args ${x} 2>&12",
    "args ${x} 2>&1>out", "args ${x} <", "args >> &1 ${x}", "args > 2>&1 ${x}", "args 1>2>f ${x}", "args >>&1 ${x}",
    # Interpreters, and programs that run other programs.
    "sh ${x}", "sh -c ${x}", "sh -c 'args ${x}'", 'sh -c "args ${x}"', "sh -c 'args \"$1\"' sh ${x}", "sh -s ${x} < data", "sh < ${x}",
    "/bin/sh -c ${x}", "bash -x args.sh ${x}", "bash +x args.sh ${x}", "bash -- ${x}", "sh '' ${x}", "sh $SET ${x}", "sh \"$SET\" ${x}",
    "sh *.sh ${x}", "sh dir/${x}", "sh ${x}.sh", "python3 ${x}", "python3 -m ${x}", "python3 -u args.py ${x}", "python3 - ${x}", "python3.11 -c ${x}",
    "./venv/bin/python -c ${x}", "/usr/bin/python3.12 -c ${x}", "perl5.36.0 -e ${x}", "ruby -e ${x}", "node -e ${x}", "node --eval=${x}", "node inspect ${x}", "lua5.4 -e ${x}",
    "sh /dev/stdin < ${x}", "sh /dev/fd/3 3< ${x}", "python3 /proc/self/fd/0 < ${x}", "/dev/stdin < ${x}", "/proc/self/fd/3 3<${x}", "sh ../../dev/fd/0 <${x}",
    "gawk ${x}", "sed ${x} data", "sed -f ${x}", "find ${x}", "find . -exec ${x}", "xargs ${x}", "xargs args < ${x}", "env ${x}", "env A=${x} args",
    "ssh ${x}", "ssh host ${x}", "su -c ${x}", "sudo ${x}", "make ${x}", "make -f ${x}", "busybox sh -c ${x}", "nohup ${x}", "timeout 5 ${x}", "nice args ${x}",
    "/usr/bin/env ${x}", "/usr/bin/time ${x}", "git ${x}", "docker run ${x}", "Rscript -e ${x}", "R -e ${x}", "php -r ${x}", "tclsh ${x}", "gdb -ex ${x}",
    "vim -c ${x}", "sqlite3 db ${x}", "xterm -e ${x} | sh", "parallel ${x}", "watch ${x}", "setsid ${x}", "flock f ${x}", "chroot ${x}", "ed ${x}", "m4 ${x}",
    "./busybox sh ${x}", "dir/bash -c ${x}", "./SH -c ${x}",
    # Files that a command with values may have written.
    "echo ${x} > f; sh f", "echo ${x} > f; ./f", "echo ${x} > f; . ./f", "echo ${x} > f && cat f", "printf %s ${x} >> f\nbash f", "cp ${x} f; sh f",
    "cp ${x} ${y}; ./args.sh", "cp ${x} f; ./f", "args ${x}; sh other.sh", "args ${x}; dir/prog", "tee ${x} < data; python3 args.py", "cat < ${x} > f; sh f",
    "echo a > ${x}; ./args.sh", "echo ${x} >> args.sh; ./args.sh", "echo ${x} 2> f; cat f", "cp ${x} Makefile; make", "mkdir ${x} > f; sh f", "args ${x} || /bin/true",
    "/bin/echo ${x}; ./args.sh", "sh args.sh ${x}; sh other.sh", "sh args.sh ${x} >> args.sh", "sh args.sh ${x} >> ./args.sh", "./args.sh ${x} >> args.sh",
    "sh args.sh ${x} >> ${y}", "./args.sh ${x} >> ${y}", "./args.sh ${x} > ${y}", "sh args.sh ${x} 2>> ${y}", "./args.sh > $SET${x}",
    # The variable in constant text, which a program could execute.
    "sh -c 'eval \"$BC_PARAM_x\"'; args ${x}", "printenv BC_PARAM_x; args ${x}", "awk 'BEGIN{system(ENVIRON[\"BC_PARAM_x\"])}'; args ${x}",
]  # fmt: skip


def test_a_line_that_could_execute_a_value_is_refused() -> None:
    for line in REFUSED:
        with pytest.raises(UnsafeLine) as caught:
            pytest.fail(f"{line!r} became {substitute(line, NAMES)!r}")
        wanted = r'\$\{[xy]\} near `.+`: .+\. .* "\$BC_PARAM_[xy]" with'
        assert re.search(wanted, str(caught.value), re.DOTALL), line


def test_the_message_says_where_why_and_how() -> None:
    with pytest.raises(UnsafeLine) as caught:
        substitute("echo ${y}; sh -c 'echo ${x}'", NAMES)
    assert str(caught.value) == (
        "cannot take a value for ${x} near `sh -c 'echo ${x}'`: `sh` takes values only as in `sh FILE ${x}`, with a dot "
        'or a slash in FILE. To take care of it yourself, write "$BC_PARAM_x" with its double quotes, '
        "and do so for every parameter of the line"
    )


def test_the_table_of_the_docs_agrees_with_the_rules() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "service.md").read_text("utf-8")
    rows = re.findall(r"^\| `(.+)` \| `(.+)` \|$", guide.partition("| Instead of | write |")[2], re.MULTILINE)
    assert len(rows) > 4
    names = variables(["x", "out"])
    for instead, write in rows:
        with pytest.raises(UnsafeLine):
            substitute(instead.replace("\\|", "|"), names)
        line = write.replace("\\|", "|")
        assert substitute(line, names) == line.replace("${x}", '"${BC_PARAM_x}"').replace("> out", ">out")


def test_every_builtin_command_of_the_shells_is_known() -> None:
    known = BUILTINS | KEYWORDS
    words = subprocess.run(
        ["bash", "-c", "compgen -b; compgen -k"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {word for word in words if re.fullmatch(r"[a-z:.]+", word)} <= known
    assert HARMLESS_BUILTINS < BUILTINS
    for name in sorted(known - HARMLESS_BUILTINS - {"cd", "printf", "set"}):
        with pytest.raises(UnsafeLine):
            substitute(f"{name} a; args ${{x}}", NAMES)


# -- generated lines -----------------------------------------------------------------------------

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_PLAIN = st.sampled_from(["a", "-o", "--in=", "dir/f.txt", "1", "a,b:c@d%+", "=", ".", "-"])
_QUOTED = st.sampled_from(["", "a b", "Hello, ", "what?!", " ", "-o é", "/"])
_CONSTANT = st.sampled_from(
    ["", "a;b", "$(mark)", "`mark`", '"', "\n", "\\", "#", "a b", "*", "{a,b}", "~", "é"]
)
_PLACES = st.sampled_from([("${x}", 0), ("${y}", 1), ("${a-b}", 2)])


@st.composite
def _words(draw: st.DrawFn, values: Sequence[str]) -> tuple[str, str]:
    """Draw a word: its text in the line, and the resulting argument."""
    if draw(st.integers(0, 4)) == 0:
        text = draw(_CONSTANT)
        return "'" + text + "'", text
    source = wanted = ""
    for _ in range(draw(st.integers(1, 3))):
        name, number = draw(_PLACES)
        before, after = draw(_QUOTED), draw(_QUOTED)
        plain = draw(_PLAIN)
        source += draw(
            st.sampled_from(
                [f"{plain}{name}", f'{plain}"{before}{name}{after}"', f"{plain}'{before}{name}{after}'"]
            )
        )
        wanted += plain + ("" if source.endswith("}") else before) + values[number]
        wanted += "" if source.endswith("}") else after
    return source, wanted


@given(st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_value_is_one_word_unchanged(shared: Place, data: st.DataObject) -> None:
    values = data.draw(st.lists(_TEXT, min_size=3, max_size=3))
    line, wanted = "", list[str]()
    for number in range(data.draw(st.integers(1, 3))):
        words = data.draw(st.lists(_words(values), min_size=1, max_size=3))
        program = data.draw(st.sampled_from(["args", "./args.sh", "sh args.sh"] if not number else ["args"]))
        line += data.draw(st.sampled_from(["; ", "\n", " && ", " &&\n"])) if number else ""
        line += " ".join([program, *(source for source, _ in words)])
        wanted += [str(len(words)), *(word for _, word in words)]
    written = substitute(line, NAMES)
    shell = data.draw(st.sampled_from(sorted(SHELLS)))
    assert shared.run(SHELLS[shell], written, values) == wanted
    assert not shared.mark.exists()


_SOUP = st.lists(
    st.sampled_from([*"'\"\\ab *?#\n;${}~=1", "\\\n", "$SET", "${SET}", "''", '"$SET"', " # "]), max_size=12
)


@given(_SOUP.map("".join))
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
def test_constant_text_keeps_its_meaning(shared: Place, soup: str) -> None:
    # The shell itself expands the variable in double quotes, so both lines must have the same effect.
    line = f'args "${{x}}" {soup}'
    try:
        written = substitute(line, NAMES)
    except UnsafeLine:
        return
    for shell in ("dash", "bash"):
        found = shared.run(SHELLS[shell], written, ["a  b"])
        assert found == shared.run([*ENV, *SHELLS[shell]], line, []), (line, written)


FRAGMENTS = [
    "mark", "mark", " ", "\n", ";", "$(mark)", "`mark`", "'", '"', "a[$(mark)]", "-v ", "-c", "-e", "\\", "&", "|", "#", "$", "(", ")",
    "system('mark')", "\nmark\n", ";mark;", "'; mark; '", '"; mark; "', "$((a[$(mark)]))", "PATH", "args.sh", "./args.sh", "f", "out",
    "other.sh", "dir", "import os;os.system('mark')", "BEGIN{system(\"mark\")}", "%n", "() { :;};", "-x", "x=", "*",
]  # fmt: skip
GOOD_COMMANDS = [
    "args", "args", "echo", "echo", "printf '%s\\n'", "head -c 99", "cp data", "cp", "mkdir", "exit", "true", ":", "./args.sh", "sh args.sh",
    "bash args.sh", "bash ./dir/args.sh", "cd dir", "set -e", "set -x", "sh other.sh", "./other.sh", "sh -c 'echo a'", "sort", "/bin/echo",
]  # fmt: skip
BAD_COMMANDS = [
    "sh -c", "sh", "bash -c", "eval", ".", ". ./other.sh", "source other.sh", "set --", "set", "trap", "test -v", "[ -v", "printf", "printf -v",
    "printf '%d %n'", "export", "declare", "read", "let", "exec", "command", "builtin", "alias", "unset", "local", "awk", "sed", "xargs", "xargs sh -c",
    "perl -e", "eval args", "[[ -v", "! args", "time", "A=1 args", "wait -p", "sh /dev/stdin <", "mapfile -C", "trap -- mark", "hash -p", "cd", "$SET", "command -v",
    "eval", "trap", "[[ -v", "echo ${x} > f; sh ./f", "echo ${x} > other.sh; ./other.sh", "printf %s ${x} >> ./other.sh\nsh", "echo ${x} |", "cat ${x} | sh", "sh args.sh ${x} >> ${y}; :",
]  # fmt: skip
ARGUMENTS = [
    "${x}", "${x}", "${y}", '"${x}"', "'${x}'", "--in=${x}", '"a b ${y}"', "-o ${y}", "a", "f", "-c ${x}", "'a b'", "$SET", '"$SET"', "*", "EXIT", "args.sh",
    '"$BC_PARAM_x"', "> f", "> ${y}", ">> f", ">> ${y}", "< f", "< ${x}", "2> f", "2>&1", ">> args.sh ${x}", "> other.sh", "# ${x}", "\\\n",
]  # fmt: skip
GOOD_JOINTS, BAD_JOINTS = ["; ", "\n", " && ", " || "], [" | ", " & ", " |& "]
NOISE = [
    "'", '"', "\\", "`", "$(", ")", "$((", "))", "(", "{ ", "}", ";", "&", "|", "\n", "#", " # ", "$", "${", "<<E\n", "<<<", ">", "<", "~", "*", "[", "]", "!",
    "=", "${x}", "$BC_PARAM_x", '"$BC_PARAM_x"', "'${x}'", "$1", "$@", "if ", "; then ", "; fi", "while ", "; do ", "; done", "case ", "f() ", " eval ", " sh ",
    " -c ", "\\\n", "\t", "a", "1", "E\n", "@", "%", "\\'", "$'", "\r", "\xa0",
]  # fmt: skip


PAYLOADS = [
    "mark", "$(mark)", "a[$(mark)]", "\nmark\n", ";mark;", "'; mark; '", '"; mark; "', "args.sh", "other.sh", "import os;os.system('mark')",
]  # fmt: skip


def _line(random: Random) -> str:
    """Draw a line of shell fragments in random order."""
    wild = random.random() < 0.6
    commands = GOOD_COMMANDS + BAD_COMMANDS if wild else GOOD_COMMANDS
    joints = GOOD_JOINTS + BAD_JOINTS if wild else GOOD_JOINTS
    line = ""
    for number in range(random.choice([1, 1, 2, 3])):
        line += random.choice(joints) if number else ""
        line += " ".join([random.choice(commands), *random.choices(ARGUMENTS, k=random.randint(1, 3))])
    for _ in range(random.choice([0, 0, 1, 2]) if wild else 0):
        at = random.randint(0, len(line))
        line = line[:at] + random.choice(NOISE) + line[at + random.randint(0, 1) :]
    return line


def _value(random: Random) -> str:
    if random.random() < 0.6:
        return random.choice(PAYLOADS)
    return "".join(random.choices(FRAGMENTS, k=random.randint(1, 4)))


def test_no_accepted_line_runs_a_value(shared: Place) -> None:
    counts = {True: 0, False: 0}

    # Hypothesis' own choice would repeat the first pieces too often.
    @given(st.integers(0, 2**64).map(Random))
    @settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
    def search(random: Random) -> None:
        line = _line(random)
        try:
            written = substitute(line, NAMES)
        except UnsafeLine:
            counts[False] += 1
            return
        if written == line:
            # The line has no parameter, so the service does not check it.
            return
        counts[True] += 1
        values = [_value(random), _value(random)]
        shell = random.choice(sorted(SHELLS))
        shared.run(SHELLS[shell], written, values)
        assert not shared.mark.exists(), (shell, line, written, values)

    search()
    assert min(counts.values()) > 100, counts


@pytest.mark.parametrize(
    "line", ["args ${x}", 'echo "echo ${x}" | sh', "sh -c 'args ${x}'", "args '${x}'", 'args "${x}"']
)
def test_plain_text_substitution_executes_values(place: Place, line: str) -> None:
    made = 0
    for value in ("$(mark)", "; mark", "'; mark; '"):
        place.run(SHELLS["dash"], line.replace("${x}", value), [])
        made += place.mark.exists()
        place.mark.unlink(missing_ok=True)
    assert made
