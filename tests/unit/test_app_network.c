/* The keys that connect an app, and [network NAME] sections, read from whole files as the agent does. */
#include <errno.h>
#include <stdlib.h>

#include "config/agent_config.h"
#include "tests/unit/test.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define APP "[app a]\nimage = b\n"

static struct agent_config *config;
static struct err err;

static int parse(const char *text)
{
	agent_config_free(config);
	config = NULL;
	err = ERR_INIT;
	return agent_config_parse(&config, text, strlen(text), "agent.ini", NULL, &err);
}

static const struct app_network *network_of(const char *lines)
{
	char text[1000];

	snprintf(text, sizeof(text), APP "%s\n", lines);
	if (!CHECK_INT(parse(text), 0)) {
		test_fail(__FILE__, __LINE__, "%s: %s", lines, err.text);
		parse(APP);
	}
	return &config->apps[0].network;
}

static void the_bridge_is_the_default(void)
{
	const struct app_network *network = network_of("");

	CHECK_INT(network->kind, NETWORK_BRIDGE);
	CHECK_TEXT(network->name, "bridge");
	CHECK_INT(network->publish_count, 0);
	CHECK(!network->dns && !network->hostname);
}

static void reads_published_ports(void)
{
	static const struct {
		const char *text, *again;
	} cases[] = {
		{ "8080:80", "8080:80/tcp" },
		{ "8080:80/udp", "8080:80/udp" },
		{ "8000-8009:80-89", "8000-8009:80-89/tcp" },
		{ "127.0.0.1:8080:80", "127.0.0.1:8080:80/tcp" },
		{ "[::1]:8080-8081:80-81/udp", "[::1]:8080-8081:80-81/udp" },
		{ "0.0.0.0:1:65535", "0.0.0.0:1:65535/tcp" },
		{ "5-5:6-6", "5:6/tcp" },
	};
	char line[100];

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct app_network *network;
		char *text;

		snprintf(line, sizeof(line), "publish = %s", cases[i].text);
		network = network_of(line);
		REQUIRE(CHECK_INT(network->publish_count, 1));
		text = app_publish_text(&network->publishes[0]);
		CHECK_TEXT(text, cases[i].again);
		free(text);
	}
}

static void refuses_published_ports(void)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "8080", "use HOST:CONTAINER" },
		{ "0:80", "a port is a number from 1 to 65535" },
		{ "80:65536", "a port is a number" },
		{ "a:80", "a port is a number" },
		{ "80:", "a port is a number" },
		{ ":80", "a port is a number" },
		{ "::1:80:80", "an address of the device" },
		{ "[192.0.2.1]:80:80", "an address of the device" },
		{ "eth0:80:80", "an address of the device" },
		{ "80:80/sctp", "only tcp or udp" },
		{ "80-90:80", "not of the same length" },
		{ "90-80:90-80", "begins with its lower port" },
		{ "80:80\npublish = 80:81", "publishes this port already" },
		{ "1-100:1-100\npublish = 127.0.0.1:50:50", "publishes this port already" },
		{ "80:80\nnetwork = host", "do not go together: the app's ports are the device's" },
		{ "80:80\nnetwork = none", "do not go together: use bridge" },
	};
	char text[200];

	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(text, sizeof(text), APP "publish = %s\n", cases[i].text);
		CHECK(parse(text) < 0);
		CHECK_HAS(err.text, cases[i].reason);
		CHECK_HAS(err.text, "[app a]");
	}
}

static void tells_which_ports_conflict(void)
{
	static const struct {
		const char *a, *b;
		bool conflicts;
	} cases[] = {
		{ "80:80", "80:81", true },		      { "80:80", "81:80", false },
		{ "80:80", "80:80/udp", false },	      { "80-89:80-89", "85:1", true },
		{ "127.0.0.1:80:80", "80:80", true },	      { "127.0.0.1:80:80", "127.0.0.2:80:80", false },
		{ "127.0.0.1:80:80", "0.0.0.0:80:80", true }, { "127.0.0.1:80:80", "[::]:80:80", false },
		{ "[::1]:80:80", "[::]:80:80", true },
	};
	char text[200];

	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(text, sizeof(text), APP "publish = %s\n[app z]\nimage = b\npublish = %s\n", cases[i].a,
			 cases[i].b);
		CHECK_INT(parse(text) < 0, cases[i].conflicts);
	}
	CHECK(parse(APP "publish = 80:80\n[app z]\nimage = b\npublish = 80:1\n") < 0);
	CHECK_TEXT(err.text, "agent.ini: [app z] publish = 80:1/tcp: [app a] publishes this port already; give one "
			     "of them another");
}

static void reads_names_and_servers(void)
{
	const struct app_network *network =
		network_of("hostname = box-1.example\ndns = 192.0.2.1\ndns = fd00::1\ndns_search = example.com\n"
			   "dns_search = .\ndns_option = ndots:2\nextra_host = plc:192.0.2.7\n"
			   "extra_host = six:fd00::7");

	CHECK_TEXT(network->hostname, "box-1.example");
	CHECK_TEXT(network->dns[1], "fd00::1");
	CHECK_TEXT(network->dns_search[0], "example.com");
	CHECK_TEXT(network->dns_options[0], "ndots:2");
	CHECK_TEXT(network->extra_hosts[1], "six:fd00::7");
	CHECK(!network->extra_hosts[2]);
}

static void refuses_names_and_servers(void)
{
	static const char *const lines[] = {
		"hostname = -x",     "hostname = a b",	   "hostname = a..b",	  "dns = gw",
		"dns = 0.0.0.0",     "dns = 127.0.0.1#53", "dns_search = a b",	  "dns_option = a b",
		"extra_host = plc",  "extra_host = plc:x", "extra_host = :1.2.3.4", "extra_host = a b:1.2.3.4",
		"hostname = a23456789012345678901234567890123456789012345678901234567890123456789",
		"dns = 1.1.1.1\ndns = 1.1.1.2\ndns = 1.1.1.3\ndns = 1.1.1.4",
		"network = container:", "network = container:../x", "network = a/b",
	};
	char text[400];

	for (size_t i = 0; i < COUNT(lines); i++) {
		snprintf(text, sizeof(text), APP "%s\n", lines[i]);
		if (parse(text) == 0)
			test_fail(__FILE__, __LINE__, "%s was taken", lines[i]);
	}
}

static void reads_networks(void)
{
	const struct network_config *lan;

	REQUIRE(CHECK_INT(parse("[network lan]\nsubnet = 10.20.0.0/24\nsubnet6 = fd00:20::/64\ninternal = yes\n"
				"mtu = 1400\n[network bridge]\nsubnet6 = none\n" APP "network = lan\n"),
			  0));
	lan = agent_config_network(config, "lan");
	REQUIRE(lan);
	CHECK_INT(lan->subnet.bits, 24);
	CHECK_INT(lan->subnet6.bits, 64);
	CHECK(lan->internal && !lan->no_subnet6);
	CHECK_INT(lan->mtu, 1400);
	CHECK(agent_config_network(config, "bridge")->no_subnet6);
	CHECK(!agent_config_network(config, "wan"));
}

static void refuses_networks(void)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "[network host]\n", "agent.ini:1: [network host]: host means something else; use another name" },
		{ "[network a/b]\n", "a name has letters" },
		{ "[network n]\n[network n]\n", "there is such a section already" },
		{ "[network n]\nsubnet = 10.0.0.0/31\n", "too small" },
		{ "[network n]\nsubnet = 127.0.0.0/8\n", "not addresses that an app can have" },
		{ "[network n]\nsubnet = 224.0.0.0/8\n", "not addresses that an app can have" },
		{ "[network n]\nsubnet = fd00::/64\n", "not IPv4; use subnet6" },
		{ "[network n]\nsubnet6 = 10.0.0.0/8\n", "not IPv6; use subnet" },
		{ "[network n]\nmtu = 1000\n", "agent.ini:2: [network n] mtu = 1000" },
		{ "[network n]\nbridge = x\n", "no such key" },
		{ "[network m]\nsubnet = 10.0.0.0/8\n[network n]\nsubnet = 10.1.0.0/16\n",
		  "agent.ini: [network m] and [network n] have addresses in common: give one of them another subnet" },
		{ "[network n]\ninternal = yes\n" APP "network = n\npublish = 1:1\n",
		  "agent.ini: [app a] publish: [network n] is internal" },
		{ APP "network = container:a\n",
		  "agent.ini: [app a] network = container:a: that is the app itself" },
		{ APP "network = container:b\n", "agent.ini: [app a] network = container:b: there is no [app b]" },
		{ APP "network = container:b\n[app b]\nimage = b\nnetwork = container:c\n[app c]\nimage = b\n",
		  "[app a] network = container:b: that app has none of its own" },
		{ APP "network = container:b\npublish = 1:1\n[app b]\nimage = b\n",
		  "agent.ini:1: [app a]: publish and network = container:b do not go together: publish with app b" },
		{ APP "network = container:b\ndns = 1.1.1.1\n[app b]\nimage = b\n",
		  "agent.ini:1: [app a]: dns and network = container:b do not go together: give it to app b" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		CHECK(parse(cases[i].text) < 0);
		CHECK_HAS(err.text, cases[i].message);
	}
}

static void names_bridges(void)
{
	char a[NETWORK_INTERFACE_SIZE], b[NETWORK_INTERFACE_SIZE];

	network_config_interface("bridge", a);
	CHECK_TEXT(a, "berth0");
	network_config_interface("backstage", a);
	CHECK_TEXT(a, "berth-backstage");
	network_config_interface("backstage-1", a);
	network_config_interface("backstage-2", b);
	CHECK_INT(strlen(a), NETWORK_INTERFACE_SIZE - 1);
	CHECK(strcmp(a, b));
}

int main(void)
{
	RUN(the_bridge_is_the_default);
	RUN(reads_published_ports);
	RUN(refuses_published_ports);
	RUN(tells_which_ports_conflict);
	RUN(reads_names_and_servers);
	RUN(refuses_names_and_servers);
	RUN(reads_networks);
	RUN(refuses_networks);
	RUN(names_bridges);
	agent_config_free(config);
	return test_end();
}
