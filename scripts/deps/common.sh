# What the build scripts of the dependencies share; sourced, after `top` (the project) and `out` were set.
#
# unpack NAME          unpacks the pinned source into $work/src (a fresh temporary directory)
# compile NAME FILES.. compiles FILES of $work/src with $CC $CFLAGS and makes $out/deps/lib/libNAME.a
# headers FILES..      copies headers of $work/src to $out/deps/include
# run COMMAND..        runs quietly; on failure shows the end of what it said

jobs=$(nproc)
src=${DEPS_DIR:-$top/out/src}

fail() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

run() {
	"$@" >"$work/log" 2>&1 && return 0
	tail -n 30 "$work/log" >&2
	fail "$(basename "$1") failed in $work: see the lines above"
}

unpack() {
	set -- $(awk -v name="$1" '$1 == name { print $1, $3, $4 }' "$top/deps.lock")
	[ $# -eq 3 ] || fail "no such name in deps.lock: add its line"
	file=$src/${3##*/}
	[ -f "$file" ] || fail "$1: no $file: run scripts/fetch-deps"
	[ "$(sha256sum <"$file" | cut -d' ' -f1)" = "$2" ] ||
		fail "$1: $file is not what deps.lock names: delete it and run scripts/fetch-deps"
	mkdir "$work/src"
	run tar -xf "$file" --strip-components=1 -C "$work/src"
}

headers() {
	mkdir -p "$out/deps/include"
	for header; do cp "$work/src/$header" "$out/deps/include/"; done
}

# Objects are named after their path, as libraries have files of one name in several folders.
compile() {
	lib=$1
	shift
	mkdir -p "$work/obj" "$out/deps/lib"
	cd "$work/src"
	printf '%s\n' "$@" >"$work/files"
	export CC CFLAGS work
	run xargs -a "$work/files" -P "$jobs" -n 1 sh -c \
		'$CC $CFLAGS -ffile-prefix-map="$work"/src='"$lib"' -c "$1" -o "$work/obj/$(echo "${1%.*}" | tr / _).o"' sh
	rm -f "$out/deps/lib/lib$lib.a"
	run "$AR" rcsD "$out/deps/lib/lib$lib.a" $(sed 's,/,_,g; s,\.[cS]$,.o,; s,^,../obj/,' "$work/files")
}
