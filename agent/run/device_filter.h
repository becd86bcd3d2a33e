/*
 * device_filter - device rules as an eBPF program: cgroup v2 has no devices controller, but asks
 * programs of type BPF_PROG_TYPE_CGROUP_DEVICE (Linux 4.15, CONFIG_CGROUP_BPF).
 *
 * The rules mean what they mean on v1: the last one that fits decides; without any, all is
 * allowed.
 */
#ifndef AGENT_RUN_DEVICE_FILTER_H
#define AGENT_RUN_DEVICE_FILTER_H

#include <linux/bpf.h>
#include <stddef.h>

#include "agent/run/cgroup.h"
#include "lib/err.h"

#define DEVICE_FILTER_PER_RULE 7
#define DEVICE_FILTER_FIXED 8

/*
 * Writes the program, at most DEVICE_FILTER_FIXED + count * DEVICE_FILTER_PER_RULE instructions;
 * returns how many.
 */
size_t device_filter_build(struct bpf_insn *program, const struct device_rule *rules, size_t count);

/* Builds, loads and attaches it to the cgroup directory, in place of those that are there. */
int device_filter_attach(const char *cgroup_dir, const struct device_rule *rules, size_t count,
			 struct err *err);

#endif
