/* inode_set - which inodes have been seen. Grows up to INODE_SET_MAX of them. */
#ifndef STORE_INODE_SET_H
#define STORE_INODE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INODE_SET_MAX 98304 /* 1 MiB */

struct inode_set {
	uint64_t *slots; /* 0: free */
	size_t size;	 /* a power of two */
	size_t count;
};

/* True when the inode is new and in the set now; false when it was there, or there is no room. */
bool inode_set_add(struct inode_set *set, uint64_t inode);
bool inode_set_has(const struct inode_set *set, uint64_t inode);
void inode_set_release(struct inode_set *set);

#endif
