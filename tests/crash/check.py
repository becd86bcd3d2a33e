"""check - one power cut: is what lies on flash what was promised, and does an agent make of it what it should?

    check = Check(store, images, (mark before the cut, mark after it), last)      see blocklog.Log.promised()
    view = check.flash("after the cut")       the store as it lies there
    check.agent(device, view.versions("web")) an agent without a registry has been started on it
    check.online(device)                      one that reaches it has
    check.problems                            texts
"""
import boot
from store import Store


def states(marks):
    """What the two marks around a cut promise: versions the app may be at, and references that must be tagged."""
    done, ahead = marks
    return {done["app"], ahead["app"]}, set(done.get("tags", []))


class Check:
    """One cut. Problems are collected as texts."""

    def __init__(self, store, images, marks, last):
        self.store, self.images, self.last, self.problems = store, images, last, []
        self.allowed, self.tags = states(marks)
        self.damaged = marks[0].get("damaged")

    def say(self, *problems):
        self.problems += problems

    def flash(self, when):
        """The store as it lies there."""
        view = Store(self.store, self.images)
        self.say(*[when + ": " + text for text in view.wrong if not self.is_known(text)])
        current = view.versions("web")["current"]
        if current not in self.allowed:
            self.say("%s: the record's current version is %s, not one of %s" % (when, current, self.allowed))
        for reference in self.tags - set(view.references()):
            self.say("%s: the tag %s is gone" % (when, reference))
        return view

    def is_known(self, text):
        return self.damaged and text.startswith("layer %.12s" % self.damaged)

    def settled(self, device, wanted):
        app = device.app()
        if not app:
            return False
        version = self.images.manifests.get(app["digest"])
        return app["state"] == "running" and app["update"]["phase"] in ("idle", "resolving") and version in wanted

    def agent(self, device, named):
        """An agent that can't reach the registry runs what the record names, if anything, and tidies up."""
        wanted = self.allowed - {None}
        if any(named.values()) and not boot.until(lambda: self.settled(device, wanted), 30):
            self.say("offline: none of %s runs: %s" % (wanted, device.status()), device.said()[-1500:])
        elif not boot.until(device.status, 10):
            self.say("offline: the agent does not answer", device.said()[-1500:])

        self.tidy("after a start")
        self.flash("after a start")

    def tidy(self, when):
        def is_tidy():
            view = Store(self.store, self.images)
            return not view.wrong and not view.orphans()

        if not boot.until(is_tidy, 40 if self.damaged else 5):
            self.say(*[when + ": left over: " + text for text in Store(self.store, self.images).orphans()])

    def online(self, device):
        if not boot.until(lambda: self.settled(device, {self.last}), 60):
            self.say("online: %s does not run: %s" % (self.last, device.status()), device.said()[-1500:])
        self.tidy("online")
        self.say(*["online: " + text for text in Store(self.store, self.images).wrong])
