#include "tests/unit/bpf_run.h"

#include <string.h>

uint32_t bpf_run(const struct sock_filter *program, size_t size, const struct seccomp_data *data)
{
	uint32_t value = 0;

	for (size_t at = 0; at < size; at++) {
		const struct sock_filter *in = &program[at];

		switch (in->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (in->k > sizeof(*data) - 4 || in->k % 4)
				return 0;
			memcpy(&value, (const char *)data + in->k, sizeof(value));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			value &= in->k;
			break;
		case BPF_JMP | BPF_JA:
			at += in->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			at += value == in->k ? in->jt : in->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			at += value >= in->k ? in->jt : in->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			at += value > in->k ? in->jt : in->jf;
			break;
		case BPF_RET | BPF_K:
			return in->k;
		default:
			return 0;
		}
	}
	return 0;
}
