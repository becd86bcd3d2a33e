/* bpf_run - seccomp filters without a kernel: the part of classic BPF that they are made of. */
#ifndef TESTS_UNIT_BPF_RUN_H
#define TESTS_UNIT_BPF_RUN_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

/* What the kernel would return for a call; 0 for a program that it would not take. */
uint32_t bpf_run(const struct sock_filter *program, size_t size, const struct seccomp_data *data);

#endif
