"""Names of commands with special rules: keywords, builtin commands, interpreters and program runners."""

from __future__ import annotations

from typing import Final

__all__: list[str] = []


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


KEYWORDS: Final = _words(
    "if then else elif fi do done case esac while until for in select function time coproc"
)
"""Words that begin or end a compound command in dash, bash or busybox ash."""

BUILTINS: Final = _words(
    ". : alias bg bind break builtin caller cd chdir command compgen complete compopt continue declare dirs",
    "disown echo enable eval exec exit export false fc fg getopts hash help history jobs kill let local logout",
    "mapfile popd printf pushd pwd read readarray readonly return set shift shopt source suspend test times",
    "trap true type typeset ulimit umask unalias unset wait",
)
"""The builtin commands of dash, bash and busybox ash. Names are compared without their directory."""

HARMLESS_BUILTINS: Final = _words("echo : true false exit")
"""Builtin commands that execute nothing, set nothing and write no file, with any arguments."""

WRITE_NO_FILES: Final = HARMLESS_BUILTINS | _words("printf cd set sleep mkdir")
"""Commands that change no file, with any arguments."""

INTERPRETERS: Final = _words(
    "sh bash dash ash rbash ksh mksh zsh python pythonw pypy perl ruby node nodejs lua",
)
"""Interpreters that take every word after the name of a script as an argument of the script."""

RUNNERS: Final = _words(
    # Shells and languages without this form, or whose further arguments may be programs, too.
    "csh tcsh fish yash hush posh osh elvish xonsh pwsh",
    "awk gawk mawk nawk original-awk sed gsed tclsh wish expect php php-cgi r rscript",
    "littler octave octave-cli julia matlab scilab maxima gp gnuplot guile racket scheme clisp sbcl ghci runghc",
    "erl escript elixir groovy scala jshell jrunscript deno bun ts-node npx luajit ipython ptpython m4 bc dc ed",
    "ex vi vim nvim view emacs gdb lldb jq yq sqlite psql mysql mariadb duckdb",
    # Programs that run other programs.
    "env xargs find fd fdfind parallel busybox toybox ssh rsh mosh autossh sshpass su sudo doas pkexec runuser",
    "gosu su-exec setpriv capsh chroot unshare nsenter nohup nice ionice chrt taskset numactl timeout time",
    "stdbuf unbuffer setsid flock start-stop-daemon systemd-run script watch entr strace ltrace valgrind perf",
    "catchsegv xvfb-run mpirun mpiexec orterun srun sbatch salloc qsub bsub at batch crontab screen tmux docker",
    "podman nerdctl kubectl singularity apptainer run-parts ld.so ld-linux.so ld-linux-x86-64.so",
    "ld-linux-aarch64.so qemu-x86_64 wine",
    # Programs that run commands from a file in the directory, or from their arguments.
    "make gmake bmake ninja cmake ctest meson scons rake ant mvn gradle bazel just task snakemake nextflow",
    "cromwell cwltool npm yarn pnpm pip pipx uv poetry cargo go git hg svn",
)
"""Programs that can execute their arguments, their input or files. The list is never complete."""

COMMON_WORDS: Final = _words("at batch ex fd find gp just make perf r script task time view watch")
"""Names in `RUNNERS` that a program of the app itself may have, if its path is relative."""
