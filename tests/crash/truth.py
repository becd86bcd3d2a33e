"""truth - what a layer has to look like in the store, told by its tar file and not by berth.

    trees = load(folder)          {diff ID as hex: {path: Entry}} of all tar files in the folder
    for text in differences(trees[hex], "/store/layers/<hex>/fs"): ...
"""
import hashlib
import os
import stat
import tarfile

XATTR = "SCHILY.xattr."
TYPES = {
    tarfile.REGTYPE: stat.S_IFREG, tarfile.AREGTYPE: stat.S_IFREG, tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK, tarfile.FIFOTYPE: stat.S_IFIFO, tarfile.CHRTYPE: stat.S_IFCHR,
    tarfile.BLKTYPE: stat.S_IFBLK,
}


class Entry:
    """One file. `mtime` is in nanoseconds, or None where it does not count; `same_as` names a hard link's other name."""

    def __init__(self, type, mode=0, owner=None, mtime=None, content=None, device=None, xattrs=None, same_as=None):
        self.type, self.mode, self.owner, self.mtime = type, mode, owner, mtime
        self.content, self.device, self.xattrs, self.same_as = content, device, xattrs or {}, same_as


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def nanoseconds(member):
    whole, _, part = member.pax_headers.get("mtime", str(int(member.mtime))).partition(".")
    return int(whole) * 10**9 + int((part + "0" * 9)[:9])


def entry_of(archive, member):
    xattrs = {key[len(XATTR):]: value.encode("utf-8", "surrogateescape")
              for key, value in member.pax_headers.items() if key.startswith(XATTR)}
    content = device = None
    if member.isreg():
        content = sha256(archive.extractfile(member).read())
    elif member.issym():
        content = member.linkname
    elif member.ischr() or member.isblk():
        device = os.makedev(member.devmajor, member.devminor)
    return Entry(TYPES[member.type], member.mode & 0o7777, (member.uid, member.gid), nanoseconds(member), content, device, xattrs)


def read_tar(path):
    tree = {}
    with tarfile.open(path) as archive:
        for member in archive:
            name = os.path.normpath(member.name)
            folder, base = os.path.split(name)
            if base.startswith(".wh."):
                tree[os.path.join(folder, base[4:])] = Entry(stat.S_IFCHR, device=0)
            elif member.islnk():
                first = os.path.normpath(member.linkname)
                tree[name] = Entry(**{**vars(tree[first]), "same_as": first})
            else:
                tree[name] = entry_of(archive, member)
    return tree


def load(folder):
    trees = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".tar"):
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                trees[sha256(file.read())] = read_tar(path)
    return trees


def content_of(path, type):
    if type == stat.S_IFLNK:
        return os.readlink(path)
    with open(path, "rb") as file:
        return sha256(file.read())


def compare(path, entry, root):
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return "is missing"
    if stat.S_IFMT(found.st_mode) != entry.type:
        return "has type %o" % stat.S_IFMT(found.st_mode)
    if entry.device is not None and found.st_rdev != entry.device:
        return "is device %#x" % found.st_rdev
    if entry.owner is None:
        return None
    if entry.type != stat.S_IFLNK and stat.S_IMODE(found.st_mode) != entry.mode:
        return "has mode %o" % stat.S_IMODE(found.st_mode)
    if (found.st_uid, found.st_gid) != entry.owner:
        return "belongs to %d:%d" % (found.st_uid, found.st_gid)
    if entry.content is not None and content_of(path, entry.type) != entry.content:
        return "has other content (%d bytes)" % found.st_size
    if found.st_mtime_ns != entry.mtime:
        return "is of %d" % found.st_mtime_ns
    if {name: os.getxattr(path, name, follow_symlinks=False)
            for name in os.listxattr(path, follow_symlinks=False)} != entry.xattrs:
        return "has other xattrs"
    if entry.same_as and found.st_ino != os.lstat(os.path.join(root, entry.same_as)).st_ino:
        return "is not the same file as " + entry.same_as
    return None


def names(root):
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            yield os.path.relpath(os.path.join(folder, name), root)


def differences(tree, root):
    for name, entry in tree.items():
        wrong = compare(os.path.join(root, name), entry, root)
        if wrong:
            yield "%s: %s" % (name, wrong)
    for name in names(root):
        if name not in tree:
            yield "%s: nobody put it there" % name
