#include "store/inode_set.h"

#include <stdlib.h>

#include "lib/err.h"

#define SIZE_MIN 256

static uint64_t *find(const struct inode_set *set, uint64_t inode)
{
	size_t at = (size_t)((inode * UINT64_C(0x9e3779b97f4a7c15)) >> 32);

	while (set->slots[at & (set->size - 1)] && set->slots[at & (set->size - 1)] != inode)
		at++;
	return &set->slots[at & (set->size - 1)];
}

static void grow(struct inode_set *set)
{
	struct inode_set old = *set;

	set->size = old.size ? 2 * old.size : SIZE_MIN;
	set->slots = xcalloc(set->size, sizeof(*set->slots));
	for (size_t i = 0; i < old.size; i++)
		if (old.slots[i])
			*find(set, old.slots[i]) = old.slots[i];
	free(old.slots);
}

bool inode_set_add(struct inode_set *set, uint64_t inode)
{
	uint64_t *slot;

	if (4 * (set->count + 1) > 3 * set->size) {
		if (set->count >= INODE_SET_MAX)
			return false;
		grow(set);
	}
	slot = find(set, inode);
	if (*slot || !inode)
		return false;
	*slot = inode;
	set->count++;
	return true;
}

bool inode_set_has(const struct inode_set *set, uint64_t inode)
{
	return set->size && *find(set, inode);
}

void inode_set_release(struct inode_set *set)
{
	free(set->slots);
	*set = (struct inode_set){ 0 };
}
