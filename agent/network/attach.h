/*
 * attach - `berth attach-network`: gives a container its interface. An OCI createRuntime hook: it is started by the
 * runtime in the runtime's namespaces, gets the container's state as JSON on its standard input, and
 * the container is not created when it fails; the reason is one line on stderr.
 *
 *	"hooks": { "createRuntime": [ { "path": "/proc/self/exe", "args": [ "berth", "attach-network",
 *		"--bridge", "berth0", "--host-name", "v0123456789ab", "--address", "172.29.0.2/16", "--address",
 *		"fd12::2/64", "--gateway", "172.29.0.1", "--gateway", "fd12::1", "--mtu", "1500" ] } ] }
 *
 * Options:
 *	--bridge NAME		one that bridge_apply() has made
 *	--host-name NAME	the host's end of the veth; unique for each container, not for each app, since
 *				the kernel takes its time with the network of a container that has ended. A good one is
 *				"v" and the first 12 digits of the container's ID
 *	--name NAME		inside: eth0 unless told
 *	--address ADDRESS/BITS	once or twice: IPv4, IPv6
 *	--gateway ADDRESS	once or twice; left out in internal networks: then there is no default route
 *	--mtu N			of both ends; the kernel's unless told
 *	--mac XX:XX:...		link_mac_of(the first address) unless told
 *	--forward SPEC		any number: starts a forwarder (forward.h) for these ports
 *
 * The interface goes with the container's network namespace, that is with its last process. Whoever knows
 * earlier that it has ended removes it with link_remove(HOST NAME): until then its addresses answer.
 * Nothing is left behind on failure.
 */
#ifndef AGENT_NETWORK_ATTACH_H
#define AGENT_NETWORK_ATTACH_H

#define ATTACH_FORWARDS_MAX 512

int attach_main(int argc, char **argv);

#endif
