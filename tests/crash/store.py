"""store - looks at a store on flash without a line of berth: what its records, tags and images name, whether all of it is whole.

    view = Store("/mnt/store", images)
    view.wrong                    list of texts: what is half, damaged, or differs from the truth
    view.versions("web")          names in the app's record: {"current": "v1", "previous": None, "trying": "v2"}
    view.orphans()                list of texts: what nothing refers to, an unfinished pull neither
"""
import json
import os
import re

import truth


class Images:
    """The images of the test: `versions` by name, and the trees of their layers by diff ID."""

    def __init__(self, folder):
        with open(os.path.join(folder, "versions.json")) as file:
            self.versions = json.load(file)
        self.trees = truth.load(os.path.join(folder, "tars"))
        self.names = {version["config"]: name for name, version in self.versions.items()}
        self.manifests = {version["manifest"]: name for name, version in self.versions.items()}

    def entries(self):
        return [entry for tree in self.trees.values() for entry in tree.values()]

    def round_times(self):
        for entry in self.entries():
            if entry.mtime:
                entry.mtime -= entry.mtime % 10**9

    def forget_user_xattrs(self):
        for entry in self.entries():
            entry.xattrs = {name: value for name, value in entry.xattrs.items() if not name.startswith("user.")}


def plain(digest):
    return digest.partition(":")[2]


def newer_copy(data):
    """Of the two copies in a record's file (store/record.c) the whole one with the higher number."""
    whole = {}
    for copy in data[:len(data) // 2], data[len(data) // 2:]:
        digest, _, rest = copy.partition(b"\n")
        head = re.match(rb"(\d{20}) (\d{10})\n", rest)
        end = head and head.end() + int(head[2])
        if head and digest == truth.sha256(rest[:end]).encode():
            whole[int(head[1])] = rest[head.end():end]
    return whole[max(whole)] if whole else b""


class Store:
    def __init__(self, path, images):
        self.path, self.images, self.wrong = path, images, []
        self.records = self.documents("apps", newer_copy)
        self.tags = self.documents("tags")
        self.pulls = self.documents("pulls")
        self.layers = self.names("layers")
        for hex in self.layers:
            if len(hex) == 64:  # else it is a damaged one, which a container still has mounted
                self.check_layer(hex)
        for name in self.names("images"):
            self.check_document("images", name, self.check_image)
        for name in self.names("manifests"):
            self.check_document("manifests", name, lambda manifest: None)
        for name, record in self.records.items():
            for role in self.versions(name):
                self.check_named("record of %s: %s" % (name, role), record[role])
        for tag in self.tags.values():
            self.check_named("tag " + tag["reference"], tag)

    def names(self, folder):
        """Without temporary files, which only a start of the agent takes away."""
        try:
            return sorted(name for name in os.listdir(os.path.join(self.path, folder)) if not name.startswith("."))
        except FileNotFoundError:
            return []

    def read(self, *path):
        with open(os.path.join(self.path, *path), "rb") as file:
            return file.read()

    def documents(self, folder, parse=lambda data: data):
        found = {}
        for name in self.names(folder):
            try:
                found[name] = json.loads(parse(self.read(folder, name)))
            except ValueError as error:
                self.wrong.append("%s/%s: %s" % (folder, name, error))
        return found

    def check_layer(self, hex):
        path = os.path.join(self.path, "layers", hex)
        try:
            if json.loads(self.read("layers", hex, "meta"))["diff_id"] != "sha256:" + hex:
                self.wrong.append("layer %.12s: its meta is another's" % hex)
        except (ValueError, KeyError, OSError) as error:
            self.wrong.append("layer %.12s: meta: %s" % (hex, error))
        if hex not in self.images.trees:
            self.wrong.append("layer %.12s: no image has it" % hex)
            return
        wrong = list(truth.differences(self.images.trees[hex], os.path.join(path, "fs")))
        self.wrong += ["layer %.12s: %s" % (hex, text) for text in wrong[:3]]

    def check_document(self, folder, name, check):
        data = self.read(folder, name)
        if truth.sha256(data) + ".json" != name:
            self.wrong.append("%s/%.12s has other content (%d bytes)" % (folder, name, len(data)))
        else:
            check(json.loads(data))

    def check_image(self, config):
        for diff_id in config["rootfs"]["diff_ids"]:
            if plain(diff_id) not in self.layers:
                self.wrong.append("an image lacks its layer %.12s" % plain(diff_id))

    def check_named(self, who, generation):
        if not generation:
            return
        for folder, digest in (("images", generation["config"]), ("manifests", generation["manifest"])):
            if plain(digest) + ".json" not in self.names(folder):
                self.wrong.append("%s names %s/%.12s, which is not there" % (who, folder, plain(digest)))

    def versions(self, app):
        record = self.records.get(app) or {}
        return {role: self.images.names.get(record[role]["config"], "?") if record.get(role) else None
                for role in ("current", "previous", "trying")}

    def references(self):
        return sorted(tag["reference"] for tag in self.tags.values())

    def roots(self):
        named = list(self.tags.values())
        for name, record in self.records.items():
            named += [record[role] for role in self.versions(name) if record.get(role)]
        return named

    def orphans(self):
        configs = {plain(root["config"]) for root in self.roots()}
        layers = {diff_id for name in self.images.versions.values() if plain(name["config"]) in configs for diff_id in name["layers"]}
        layers |= {diff_id for pull in self.pulls.values() for diff_id in pull["layers"]}
        manifests = {plain(name["manifest"]) for name in self.images.versions.values() if plain(name["config"]) in configs}
        containers = {root["container"] for root in self.roots() if root.get("container")}
        left = ["layer %.12s" % hex for hex in self.layers if "sha256:" + hex not in layers]
        left += ["image %.12s" % name for name in self.names("images") if name[:-5] not in configs]
        left += ["manifest %.12s" % name for name in self.names("manifests") if name[:-5] not in manifests]
        left += ["container %.12s" % name for name in self.names("containers") if name not in containers]
        left += ["staging/" + name for name in os.listdir(os.path.join(self.path, "staging"))]
        return left + list(self.temporary())

    def temporary(self):
        for folder in ("", "layers", "images", "manifests", "tags", "apps", "pulls", "containers"):
            for name in os.listdir(os.path.join(self.path, folder)):
                if name.startswith("."):
                    yield os.path.join(folder, name)
