#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/agent_config.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "tests/unit/test.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define APP "[app sensor]\nimage = a.io/sensor:stable\n"

static struct agent_config *config;
static struct err err;

/* Parses into `config`, which the next call frees. */
static int parse(const char *text)
{
	agent_config_free(config);
	config = NULL;
	err = ERR_INIT;
	return agent_config_parse(&config, text, strlen(text), "agent.ini", NULL, &err);
}

/* Each kind of key and of value, comments and odd spaces among them. */
static const char whole_grammar[] =
	"# comment\n"
	"[agent]\n"
	"store      = /var//lib/berth/     ; flash\n"
	"run        = /run/x\n"
	"poll       = 5m                 ; how often\n"
	"jitter     = 15%\n"
	"bandwidth  = 500K\n"
	"name       = gw-0042\n"
	"socket     = /run/y.sock\n"
	"cgroup_parent = /fleet/apps\n"
	"parallel = 4\n"
	"memory = 256M\n"
	"cpus = 1.5\n"
	"pull_memory = 64M\n"
	"pull_cpus = 0.25\n"
	"userns_ids = 100000:65536\n"
	"\n"
	"[registry fleet.example.com]   ; comment\n"
	"ca         = /etc/berth/ca.pem\r\n"
	"auth       = /etc/berth/auth.json ; docker's\n"
	"insecure   = yes\n"
	"[ registry   index.docker.io ]\n"
	"\n"
	"[app sensor]\n"
	"  image      = fleet.example.com/sensor:stable\n"
	"  command    = /bin/sensord --fast 'a b'\n"
	"  env        = MODE=prod\n"
	"  env        = TEXT=a;b # c = d\n"
	"  volume     = sensor-data:/data/\n"
	"  volume     = x:/x:ro\n"
	"  bind       = /etc/sensor:/etc/sensor:ro\n"
	"  device     = /dev/ttyUSB0\n"
	"  device     = /dev/a:/dev/b:mr\n"
	"  network    = none\n"
	"  memory     = 64M\n"
	"  cpus       = 0.5\n"
	"  pids       = 64\n"
	"  restart    = on-failure:3\n"
	"  health     = http://:8080/healthz\n"
	"  health_interval = 20s\n"
	"  health_timeout  = 2s\n"
	"  health_retries  = 4\n"
	"  health_start    = 1m\n"
	"  probation  = 90s\n"
	"  update     = download\n"
	"[app 2.nd]\n"
	"image = busybox";

static void check_agent(void)
{
	CHECK_TEXT(config->store, "/var/lib/berth");
	CHECK_TEXT(config->run, "/run/x");
	CHECK_INT(config->poll_ms, 300000);
	CHECK_INT(config->jitter_percent, 15);
	CHECK_INT(config->bytes_per_s, 500 * 1024);
	CHECK_TEXT(config->name, "gw-0042");
	CHECK_TEXT(config->socket, "/run/y.sock");
	CHECK_TEXT(config->cgroup_parent, "/fleet/apps");
	CHECK_INT(config->parallel, 4);
	CHECK_INT(config->memory_bytes, 256 << 20);
	CHECK_INT(config->cpus_milli, 1500);
	CHECK_INT(config->pull_memory_bytes, 64 << 20);
	CHECK_INT(config->pull_cpus_milli, 250);
	CHECK_INT(config->first_id, 100000);
	CHECK_INT(config->id_count, 65536);
}

static void check_registries(void)
{
	CHECK_INT(config->registry_count, 2);
	REQUIRE(agent_config_registry(config, "Fleet.example.com"));
	CHECK_TEXT(config->registries[0].ca, "/etc/berth/ca.pem");
	CHECK_TEXT(config->registries[0].auth, "/etc/berth/auth.json");
	CHECK(config->registries[0].insecure);
	CHECK(agent_config_registry(config, "docker.io"));
	CHECK(!agent_config_registry(config, "other.io"));
}

static void check_lists(const struct app_config *app)
{
	CHECK_TEXT(app->name, "sensor");
	CHECK_TEXT(app->image, "fleet.example.com/sensor:stable");
	CHECK_TEXT(app->ref.repository, "sensor");
	CHECK_INT(count_strings(app->command), 3);
	CHECK_TEXT(app->command[2], "a b");
	CHECK_INT(count_strings(app->env), 2);
	CHECK_TEXT(app->env[1], "TEXT=a;b # c = d");
	CHECK_INT(app->volume_count, 2);
	CHECK_TEXT(app->volumes[0].source, "sensor-data");
	CHECK_TEXT(app->volumes[0].path, "/data");
	CHECK(!app->volumes[0].read_only && app->volumes[1].read_only);
	CHECK_INT(app->bind_count, 1);
	CHECK_TEXT(app->binds[0].source, "/etc/sensor");
	CHECK(app->binds[0].read_only);
	CHECK_INT(app->device_count, 2);
	CHECK_TEXT(app->devices[0].path, "/dev/ttyUSB0");
	CHECK_TEXT(app->devices[0].permissions, "rwm");
	CHECK_TEXT(app->devices[1].source, "/dev/a");
	CHECK_TEXT(app->devices[1].path, "/dev/b");
	CHECK_TEXT(app->devices[1].permissions, "rm");
}

static void check_values(const struct app_config *app)
{
	CHECK_INT(app->network.kind, NETWORK_NONE);
	CHECK_INT(app->memory_bytes, 64 << 20);
	CHECK_INT(app->cpus_milli, 500);
	CHECK_INT(app->pids, 64);
	CHECK_INT(app->restart.kind, RESTART_ON_FAILURE);
	CHECK_INT(app->restart.max, 3);
	CHECK_INT(app->health.kind, HEALTH_HTTP);
	CHECK_INT(app->health.port, 8080);
	CHECK_TEXT(app->health.path, "/healthz");
	CHECK_INT(app->health_given.interval_ms, 20000);
	CHECK_INT(app->health_given.timeout_ms, 2000);
	CHECK_INT(app->health_given.retries, 4);
	CHECK_INT(app->health_given.start_ms, 60000);
	CHECK_INT(app->probation_ms, 90000);
	CHECK_INT(app->update, UPDATE_DOWNLOAD);
}

static void reads_the_whole_grammar(void)
{
	if (!CHECK_INT(parse(whole_grammar), 0)) {
		test_fail(__FILE__, __LINE__, "%s", err.text);
		return;
	}
	check_agent();
	check_registries();
	REQUIRE(CHECK_INT(config->app_count, 2));
	CHECK(agent_config_app(config, "2.nd") == &config->apps[1]);
	CHECK(!agent_config_app(config, "third"));
	check_lists(&config->apps[0]);
	check_values(&config->apps[0]);
}

static void has_defaults(void)
{
	const struct app_config *app;

	REQUIRE(CHECK_INT(parse(""), 0));
	CHECK_TEXT(config->store, "/var/lib/berth");
	CHECK_TEXT(config->run, "/run/berth");
	CHECK_TEXT(config->socket, "/run/berth/berth.sock");
	CHECK_TEXT(config->cgroup_parent, "/berth");
	CHECK_TEXT(config->name, NULL);
	CHECK_INT(config->poll_ms, 300000);
	CHECK_INT(config->jitter_percent, 20);
	CHECK_INT(config->bytes_per_s, 0);
	CHECK_INT(config->app_count, 0);

	REQUIRE(CHECK_INT(parse("[agent]\nrun = /tmp/r\n" APP "[registry a.io]\n"), 0));
	CHECK_TEXT(config->socket, "/tmp/r/berth.sock");
	CHECK(!config->registries[0].ca && !config->registries[0].auth);
	CHECK(!config->registries[0].insecure);
	app = &config->apps[0];
	CHECK(!app->command && app->env && !app->env[0]);
	CHECK_INT(app->network.kind, NETWORK_BRIDGE);
	CHECK_INT(app->memory_bytes + app->cpus_milli + app->pids, 0);
	CHECK_INT(app->restart.kind, RESTART_ALWAYS);
	CHECK_INT(app->health.kind, HEALTH_IMAGE);
	CHECK_INT(app->health_given.interval_ms, -1);
	CHECK_INT(app->probation_ms, 60000);
	CHECK_INT(app->update, UPDATE_AUTO);
}

/* Each text has one error; the message is compared whole where `whole` is set. */
static void names_place_cause_and_way_out(void)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ APP "memory = 64Q\n", "agent.ini:3: [app sensor] memory = 64Q: not a size; use a "
					"number with K, M or G, such as 64M" },
		{ APP "\n; x\n  memroy = 64M\n",
		  "agent.ini:5: [app sensor] memroy = 64M: no such key; did you mean memory?" },
		{ APP "ports = 80:80\n", "agent.ini:3: [app sensor] ports = 80:80: no such key; did you mean publish?" },
		{ "[registry a.io]\nusername = x\n",
		  "agent.ini:2: [registry a.io] username = x: no such key; did you mean auth?" },
		{ "[registry a.io]\npassword = geheim\n",
		  "agent.ini:2: [registry a.io] password = ...: no such key; did you mean auth?" },
		{ "[agent]\nports = 1\n", "agent.ini:2: [agent] ports = 1: no such key; agent.ini(5) lists those of this "
					   "section" },
		{ APP "restart = unless-stopped\n", "agent.ini:3: [app sensor] restart = unless-stopped: use always: what "
						    "berth stop has stopped is not started by it, as with Docker's "
						    "unless-stopped" },
		{ APP "colour = red\n", "agent.ini:3: [app sensor] colour = red: no such key; "
					"agent.ini(5) lists those of this section" },
		{ "[app sensor]\nmemory = 64M\n[app b]\nimage=x\n",
		  "agent.ini:1: [app sensor]: no image; add a line such as image = "
		  "registry.example.com/sensor:stable" },
		{ "[agent]\n[app x]", "agent.ini:2: [app x]: no image; add a line such as image = "
				      "registry.example.com/x:stable" },
		{ "store = /x\n",
		  "agent.ini:1: store = /x: stands before the first section; put it "
		  "below [agent]" },
		{ "[agnet]\n",
		  "agent.ini:1: [agnet]: no such section; use [agent], [registry HOST], "
		  "[network NAME] or [app NAME]" },
		{ APP "image = b\n",
		  "agent.ini:3: [app sensor] image = b: already given in line 2; "
		  "remove one" },
		{ "[agent]\npoll 5m\nx = y\n",
		  "agent.ini:2: not a line of the form KEY = VALUE or [SECTION]" },
		{ "[agent]\nproxy = http://me:geheim@gw\n",
		  "agent.ini:2: [agent] proxy = ...: not a proxy; use http://HOST:PORT or "
		  "http://USER:PASSWORD@HOST:PORT (with %XX for special characters)" },
		{ "[agent]\nwindow = 02:00-05:00\n",
		  "agent.ini:2: [agent] window = 02:00-05:00: not supported yet; remove the line" },
		{ "[agent]\nmemory = 100K\n", "agent.ini:2: [agent] memory = 100K: less than 512K, in "
					       "which no app starts" },
		{ "[agent]\npull_memory = 8M\n", "agent.ini:2: [agent] pull_memory = 8M: too little to "
						  "unpack an image in; use at least 16M" },
		{ "[agent]\ncpus = 0.5\n[app x]\nimage = b\ncpus = 1\n",
		  "agent.ini: [app x] cpus: more than [agent] cpus, which is for all apps together" },
		{ "[agent]\ncpus = 0.5\ncgroup_parent = /\n",
		  "agent.ini: [agent] memory and cpus: cgroup_parent is /, which has no limits" },
		{ "[agent]\nbandwidth = 500\n",
		  "agent.ini:2: [agent] bandwidth = 500: too slow for a pull; use at least 1K" },
		{ "[agent]\n[registry a.io]\ncert = /a\n[app x]\nimage = b\n",
		  "agent.ini:2: [registry a.io]: cert and key belong together; add key = (it may be the "
		  "same file)" },
		{ "[registry a.io]\nkey = /a\n",
		  "agent.ini:1: [registry a.io]: cert and key belong together; add cert = (it may be the "
		  "same file)" },
		{ APP "network = wlan\n", "agent.ini: [app sensor] network = wlan: there is no [network wlan]; "
					  "add one, or use bridge, host, none or container:APP" },
		{ APP "update = never\n", "agent.ini:3: [app sensor] update = never: unknown; use "
					  "auto, download or manual" },
		{ APP "memory =  ; none\n",
		  "agent.ini:3: [app sensor] memory = : has no value; give "
		  "one or remove the line" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		CHECK_INT(parse(cases[i].text) < 0, 1);
		CHECK_TEXT(err.text, cases[i].message);
		CHECK(!config);
	}
}

static void refuses_what_comes_later(void)
{
	static const char *const agent[] = { "window = 02:00-05:00" };
	static const char *const app[] = { "group = a", "depends = b", "health = https://:1/" };
	char text[200];

	for (size_t i = 0; i < COUNT(agent) + COUNT(app); i++) {
		if (i < COUNT(agent))
			snprintf(text, sizeof(text), "[agent]\n%s\n", agent[i]);
		else
			snprintf(text, sizeof(text), APP "%s\n",
				 app[i - COUNT(agent)]);
		CHECK_INT(parse(text), -ENOTSUP);
		CHECK_HAS(err.text, "not supported yet");
	}
}

static void an_image_may_be_in_files(void)
{
	REQUIRE(CHECK_INT(parse("[app a]\nimage = oci:/media/usb/fleet:sensor\nnetwork = host\n"), 0));
	CHECK_INT(config->apps[0].ref.source, REFERENCE_LAYOUT);
	CHECK_TEXT(config->apps[0].image, "oci:/media/usb/fleet:sensor");
	CHECK_INT(parse("[app a]\nimage = oci:/media/usb/fleet\n"), -EINVAL);
	CHECK_HAS(err.text, "add :TAG");
}

static void addresses_are_registries_too(void)
{
	REQUIRE(parse("[registry [::1]:5000] ; loopback]\ninsecure = yes\n[registry [fd00::1]]\n") == 0);
	REQUIRE(config->registry_count == 2);
	CHECK_TEXT(config->registries[0].host, "[::1]:5000");
	CHECK(config->registries[0].insecure);
	CHECK_TEXT(config->registries[1].host, "[fd00::1]");
}

static void mirrors_keep_their_order(void)
{
	REQUIRE(parse("[registry a.io]\nmirror = http://gw.local:5000/\nmirror = HTTPS://b.io\n") == 0);
	REQUIRE(config->registries[0].mirror_count == 2);
	CHECK_TEXT(config->registries[0].mirrors[0].host, "gw.local:5000");
	CHECK(!config->registries[0].mirrors[0].https);
	CHECK_TEXT(config->registries[0].mirrors[1].host, "b.io");
	CHECK(config->registries[0].mirrors[1].https);
	CHECK_INT(parse("[registry a.io]\nmirror = gw:5000\n"), -EINVAL);
	CHECK_INT(parse("[registry a.io]\nmirror = http://gw/path\n"), -EINVAL);
	CHECK_INT(parse("[registry a.io]\nmirror = http://u:p@gw\n"), -EINVAL);
	CHECK_INT(parse("[registry a.io]\nmirror = http://a\nmirror = http://b\nmirror = http://c\n"
			"mirror = http://d\nmirror = http://e\n"), -E2BIG);
	CHECK_HAS(err.text, "more than 4 mirrors");
}

static void refuses_bad_values(void)
{
	static const struct {
		const char *line, *reason;
	} cases[] = {
		{ "command = a 'b", "a quote is not closed" },
		{ "env = MODE", "NAME=value" },
		{ "env = =x", "NAME=value" },
		{ "env = A B=x", "NAME=value" },
		{ "volume = data", "SOURCE:/PATH" },
		{ "volume = data:rel", "absolute" },
		{ "volume = data:/", "over the container's /" },
		{ "volume = da ta:/x", "the volume's name: a name has" },
		{ "volume = /host:/x", "use bind" },
		{ "volume = ../x:/x", "the volume's name" },
		{ "volume = a:/x:rx", "only ro or rw" },
		{ "volume = a:/../x", ".." },
		{ "bind = etc:/x", "the host's path: not an absolute path" },
		{ "bind = /etc/../root:/x", ".." },
		{ "bind = /a:/b:ro:z", "only ro or rw" },
		{ "device = ttyUSB0", "absolute" },
		{ "device = /dev/a:/dev/b:x", "letters rwm" },
		{ "device = /dev/a:/dev/b:rr", "letters rwm" },
		{ "device = /dev/a:/dev/b:", "letters rwm" },
		{ "memory = 100K", "512K" },
		{ "memory = 64M;no", "not a size" },
		{ "cpus = 0", "processors" },
		{ "pids = 0", "from 1 to" },
		{ "restart = sometimes", "always, on-failure or no" },
		{ "restart = always:3", "only on-failure" },
		{ "restart = on-failure:x", "not a number" },
		{ "health = yes", "not a health check" },
		{ "health_interval = 0", "at least 1s" },
		{ "health_retries = 0", "from 1 to" },
		{ "probation = soon", "not a duration" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[200];

		snprintf(text, sizeof(text), APP "%s\n", cases[i].line);
		if (!CHECK_INT(parse(text) < 0, 1))
			test_fail(__FILE__, __LINE__, "that was %s", cases[i].line);
		CHECK_HAS(err.text, cases[i].reason);
		CHECK_HAS(err.text, "agent.ini:3: [app sensor] ");
	}
	CHECK(parse(APP "volume = a:/x\nbind = /a:/x/\n") < 0);
	CHECK_HAS(err.text, "agent.ini:4: [app sensor] bind = /a:/x/: another volume, bind or tmpfs");
	CHECK(parse(APP "device = /dev/a\ndevice = /dev/b:/dev/a\n") < 0);
	CHECK_HAS(err.text, "another device");
	CHECK(parse("[agent]\npoll = 0\n") < 0);
	CHECK_HAS(err.text, "at least 1s");
	CHECK(parse("[agent]\nname = a b\n") < 0);
	CHECK(parse("[agent]\nstore = x\n") < 0);
	CHECK(parse("[agent]\nuserns_ids = 524288\n") < 0);
	CHECK_HAS(err.text, "use FIRST:COUNT");
	CHECK(parse("[agent]\nuserns_ids = 1000:65536\n") < 0);
	CHECK(parse("[agent]\nuserns_ids = 524288:65535\n") < 0);
	CHECK(parse("[agent]\nuserns_ids = 4294901000:70000\n") < 0);
	CHECK_HAS(err.text, "no IDs above");
	CHECK(parse("[agent]\njitter = 120%\n") < 0);
	CHECK(parse("[registry a.io]\ninsecure = maybe\n") < 0);
	CHECK_HAS(err.text, "use no or yes");
}

static void refuses_bad_sections(void)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "[agent]\n[agent]\n", "agent.ini:2: [agent]: there is such a section already" },
		{ "[registry docker.io]\n[registry index.docker.io]\n", "agent.ini:2: [registry" },
		{ APP APP, "agent.ini:3: [app sensor]: there is such a section already" },
		{ "[app]\n", "no such section" },
		{ "[agent x]\n", "no such section" },
		{ "[]\n", "no such section" },
		{ "[registry http://a]\n", "is not a registry" },
		{ "[app -x]\n", "a name has letters" },
		{ "[app a/b]\n", "a name has letters" },
		{ "[app a b]\n", "a name has letters" },
		{ "[app aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n",
		  "1 to 63 characters" },
		{ "[agent\n", "alone on its line" },
		{ "[agent] store = /x\n", "alone on its line" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		CHECK(parse(cases[i].text) < 0);
		CHECK_HAS(err.text, cases[i].reason);
	}
}

/* inih truncates section names at 49 characters; two that differ behind that are two. */
static void tells_long_names_apart(void)
{
	REQUIRE(CHECK_INT(
		parse("[app "
		      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-x]\nimage=x\n"
		      "[app "
		      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-y]\nimage="
		      "y\n"),
		0));
	REQUIRE(CHECK_INT(config->app_count, 2));
	CHECK_TEXT(config->apps[1].ref.repository, "library/y");
}

static void reads_odd_files(void)
{
	CHECK_INT(parse("\xef\xbb\xbf[agent]\r\npoll = 1h\r\n"), 0);
	CHECK_INT(config ? config->poll_ms : 0, 3600000);
	CHECK_INT(parse("\n\n   \n\t\n[agent]\n   "), 0);
	CHECK_INT(parse("[agent]\npoll = 1h\n    jitter = 5%\n"), 0); /* no continuation */
	CHECK_INT(config ? config->jitter_percent : 0, 5);
	CHECK_INT(parse("[app a]\nimage: b\n"), 0);
	CHECK(parse("[agent]\npoll = 1\x01h\n") < 0);
	CHECK_HAS(err.text, "agent.ini:2: [agent]: has a control character");
	CHECK(parse("[agent]\nname = \xff\n") < 0);
	CHECK_HAS(err.text, "agent.ini:2: [agent]: is not UTF-8");
	CHECK(agent_config_parse(&config, "[agent]\n\0[app x]\n", 17, "f", NULL, &err) < 0);
	CHECK_HAS(err.text, "f:2: [agent]: has a control character");
}

static void limits_lines_and_sections(void)
{
	struct buf text = BUF_INIT;

	buf_append_text(&text, APP "env = A=");
	memset(buf_reserve(&text, AGENT_CONFIG_LINE_MAX - 8), 'x', AGENT_CONFIG_LINE_MAX - 8);
	buf_added(&text, AGENT_CONFIG_LINE_MAX - 8);
	CHECK_INT(parse(buf_text(&text)), 0);
	CHECK_INT(config ? strlen(config->apps[0].env[0]) : 0, AGENT_CONFIG_LINE_MAX - 6);
	buf_append_text(&text, "x");
	CHECK_INT(parse(buf_text(&text)), -E2BIG);
	CHECK_HAS(err.text, "agent.ini:3: [app sensor]: longer than 4000 bytes");
	buf_clear(&text);
	for (int i = 0; i <= AGENT_CONFIG_APPS_MAX; i++)
		buf_append_format(&text, "[app a%d]\nimage = x\n", i);
	CHECK_INT(parse(buf_text(&text)), -E2BIG);
	CHECK_HAS(err.text, "agent.ini:129: [app a64]: more than 64 apps");
	buf_clear(&text);
	for (int i = 0; i <= AGENT_CONFIG_REGISTRIES_MAX; i++)
		buf_append_format(&text, "[registry a%d.io]\n", i);
	CHECK_INT(parse(buf_text(&text)), -E2BIG);
	buf_clear(&text);
	buf_append_text(&text, APP);
	for (int i = 0; i <= APP_LIST_MAX; i++)
		buf_append_format(&text, "env = A%d=1\n", i);
	CHECK_INT(parse(buf_text(&text)), -E2BIG);
	CHECK_HAS(err.text, "more than 128 times");
	buf_release(&text);
}

static void reports_the_first_error(void)
{
	CHECK(parse("[agent]\npoll = x\n[what]\nno key\n") < 0);
	CHECK_HAS(err.text, "agent.ini:2:");
	CHECK(parse("[agent]\nno key\npoll = x\n[what]\n") < 0);
	CHECK_HAS(err.text, "agent.ini:2:");
}

static void write_down(const struct err *mistake, void *data)
{
	CHECK(mistake->code < 0);
	buf_append_format(data, "%s\n", mistake->text);
}

static void tells_every_mistake(void)
{
	static const char text[] =
		"key = 1\n"
		"[agent]\npoll = x\nstore = /a\nstore = /b\nrubbish\n"
		"[agent]\nthe rest of = a refused section\n"
		"[registry a.io]\ncert = /x\n"
		"[app a]\nmemory = 5Q\ncpus = 1\n\tjunk ; = 5\n\x7f\n"
		"[app b]\nmemory = 5M\n"
		"[network x\n"
		"[app c]\nimage = a.io/c:1\ncpus = 1\nlast";
	BUF_CLEANUP struct buf told = BUF_INIT;
	const struct mistakes mistakes = { write_down, &told };

	agent_config_free(config);
	config = NULL;
	CHECK_INT(agent_config_parse(&config, text, strlen(text), "f", &mistakes, NULL), -EINVAL);
	CHECK(!config);
	CHECK_TEXT(buf_text(&told),
		   "f:1: key = 1: stands before the first section; put it below [agent]\n"
		   "f:3: [agent] poll = x: not a duration; use a number with s, m or h, such as 90s\n"
		   "f:5: [agent] store = /b: already given in line 4; remove one\n"
		   "f:6: not a line of the form KEY = VALUE or [SECTION]\n"
		   "f:7: [agent]: there is such a section already; join the two\n"
		   "f:9: [registry a.io]: cert and key belong together; add key = (it may be the same file)\n"
		   "f:12: [app a] memory = 5Q: not a size; use a number with K, M or G, such as 64M\n"
		   "f:14: not a line of the form KEY = VALUE or [SECTION]\n"
		   "f:15: [app a]: has a control character in it; remove it\n"
		   "f:16: [app b]: no image; add a line such as image = registry.example.com/b:stable\n"
		   "f:18: [network x]: a section is written [NAME], alone on its line\n"
		   "f:22: not a line of the form KEY = VALUE or [SECTION]\n");
}

static void tells_last_what_needs_the_whole_file(void)
{
	static const char text[] = "[agent]\ncpus = 0.5\n[app a]\nimage = a.io/a:1\ncpus = 1\nnetwork = bridge\n";
	BUF_CLEANUP struct buf told = BUF_INIT;
	const struct mistakes mistakes = { write_down, &told };

	agent_config_free(config);
	config = NULL;
	CHECK_INT(agent_config_parse(&config, text, strlen(text), "f", &mistakes, NULL), -EINVAL);
	CHECK_TEXT(buf_text(&told), "f: [app a] cpus: more than [agent] cpus, which is for all apps together\n");
}

static void checks_the_socket(void)
{
	char text[300] = "[agent]\nrun = /";

	memset(text + strlen(text), 'r', 99);
	CHECK(parse(text) < 0);
	CHECK_HAS(err.text, "too long for the socket");
	CHECK_INT(parse(strcat(text, "\nsocket = /run/x.sock\n")), 0);
}

static void loads_a_file(void)
{
	char path[] = "/tmp/test_agent_config.XXXXXX";
	int fd = mkstemp(path);

	REQUIRE(fd >= 0);
	agent_config_free(config);
	config = NULL;
	CHECK_INT(write(fd, APP, strlen(APP)), strlen(APP));
	CHECK_INT(agent_config_load(path, &config, NULL, &err), 0);
	CHECK_INT(config ? config->app_count : 0, 1);
	CHECK_INT(write(fd, "x = y\n", 6), 6);
	agent_config_free(config);
	config = NULL;
	CHECK(agent_config_load(path, &config, NULL, &err) < 0);
	CHECK_HAS(err.text, path);
	CHECK_HAS(err.text, ":3: [app sensor] x = y: no such key");
	CHECK_INT(ftruncate(fd, AGENT_CONFIG_SIZE_MAX + 1), 0);
	CHECK_INT(agent_config_load(path, &config, NULL, &err), -EFBIG);
	close(fd);
	unlink(path);
	CHECK_INT(agent_config_load(path, &config, NULL, &err), -ENOENT);
	CHECK_HAS(err.text, path);
}

int main(void)
{
	RUN(reads_the_whole_grammar);
	RUN(has_defaults);
	RUN(names_place_cause_and_way_out);
	RUN(refuses_what_comes_later);
	RUN(addresses_are_registries_too);
	RUN(mirrors_keep_their_order);
	RUN(an_image_may_be_in_files);
	RUN(refuses_bad_values);
	RUN(refuses_bad_sections);
	RUN(tells_long_names_apart);
	RUN(reads_odd_files);
	RUN(limits_lines_and_sections);
	RUN(reports_the_first_error);
	RUN(tells_every_mistake);
	RUN(tells_last_what_needs_the_whole_file);
	RUN(checks_the_socket);
	RUN(loads_a_file);
	agent_config_free(config);
	return test_end();
}
