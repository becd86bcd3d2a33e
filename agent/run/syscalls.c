#include "agent/run/syscalls.h"

#include <errno.h>
#include <string.h>

#define __ 0xffff
/* What only ARM has, from 0xf0000 on, has to fit into 16 bits as well. */
#define PRIVATE 0xf000
#define SHORT(number) ((number) < PRIVATE || (number) == __ ? (number) : PRIVATE | ((number) & 0xfff))

#if defined(__x86_64__)
#define NUMBERS(x86_64, x86, x32, arm, aarch64) { x86_64, x86, x32 }
#else
#define NUMBERS(x86_64, x86, x32, arm, aarch64) { aarch64, SHORT(arm) }
#endif

/* All names behind each other: pointers to them would need relocation, and three times the room. */
static const struct names {
#define CALL(name, ...) char text_##name[sizeof(#name)];
#include "agent/run/syscall_table.h"
#undef CALL
} names = {
#define CALL(name, ...) #name,
#include "agent/run/syscall_table.h"
#undef CALL
};

#define NAME(name) offsetof(struct names, text_##name)

static const struct row {
	uint16_t name;
	uint16_t verdict;
	uint16_t numbers[MACHINES];
} rows[] = {
#define CALL(name, verdict, ...) { NAME(name), SYSCALL_##verdict, NUMBERS(__VA_ARGS__) },
#include "agent/run/syscall_table.h"
#undef CALL
};

size_t syscall_count(void)
{
	return sizeof(rows) / sizeof(*rows);
}

static const char *name_of(const struct row *row)
{
	return (const char *)&names + row->name;
}

const char *syscall_name(int call)
{
	return name_of(&rows[call]);
}

int syscall_find(const char *name)
{
	int low = 0, high = (int)syscall_count() - 1;

	while (low <= high) {
		int middle = (low + high) / 2, order = strcmp(name, name_of(&rows[middle]));

		if (!order)
			return middle;
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return -ENOENT;
}

uint32_t syscall_number(int call, enum machine machine)
{
	uint32_t number = rows[call].numbers[machine];

	if (number == __)
		return SYSCALL_NONE;
#if defined(__x86_64__)
	return machine == MACHINE_X32 ? number | SYSCALL_X32 : number;
#else
	return number < PRIVATE ? number : 0xf0000 | (number & 0xfff);
#endif
}

enum syscall_default syscall_default_verdict(int call)
{
	return (enum syscall_default)rows[call].verdict;
}

#if defined(__x86_64__)

/* linux/net.h and linux/ipc.h: by number, from 1 on; 0 where there is none. */
static const uint16_t socket_calls[] = {
	NAME(socket),	  NAME(bind),	     NAME(connect),	NAME(listen),	  NAME(accept),
	NAME(getsockname), NAME(getpeername), NAME(socketpair),	NAME(send),	  NAME(recv),
	NAME(sendto),	  NAME(recvfrom),    NAME(shutdown),	NAME(setsockopt), NAME(getsockopt),
	NAME(sendmsg),	  NAME(recvmsg),     NAME(accept4),	NAME(recvmmsg),	  NAME(sendmmsg),
};
static const uint16_t ipc_calls[] = {
	NAME(semop),  NAME(semget), NAME(semctl), NAME(semtimedop), 0, 0, 0, 0, 0, 0,
	NAME(msgsnd), NAME(msgrcv), NAME(msgget), NAME(msgctl), 0, 0, 0, 0, 0, 0,
	NAME(shmat),  NAME(shmdt),  NAME(shmget), NAME(shmctl),
};

static unsigned int find_in(const uint16_t *list, size_t count, int call, enum machine machine)
{
	for (size_t i = 0; i < count && machine == MACHINE_X86; i++)
		if (list[i] && list[i] == rows[call].name)
			return (unsigned int)i + 1;
	return 0;
}

unsigned int syscall_by_socketcall(int call, enum machine machine)
{
	return find_in(socket_calls, sizeof(socket_calls) / sizeof(*socket_calls), call, machine);
}

unsigned int syscall_by_ipc(int call, enum machine machine)
{
	return find_in(ipc_calls, sizeof(ipc_calls) / sizeof(*ipc_calls), call, machine);
}

#else

unsigned int syscall_by_socketcall(int call, enum machine machine)
{
	(void)call, (void)machine;
	return 0;
}

unsigned int syscall_by_ipc(int call, enum machine machine)
{
	(void)call, (void)machine;
	return 0;
}

#endif
