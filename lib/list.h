/* list - intrusive doubly linked list. A head is a node that points to itself when empty. */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next;
	struct list *prev;
};

static inline void list_init(struct list *head)
{
	head->next = head->prev = head;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

/* Before `at`: at the end of the list when `at` is the head. */
static inline void list_insert(struct list *at, struct list *node)
{
	node->prev = at->prev;
	node->next = at;
	at->prev->next = node;
	at->prev = node;
}

/* Leaves the node as an empty list, so that removing it twice is harmless. */
static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#define list_entry(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

#define list_for_each(pos, head) \
	for (struct list *pos = (head)->next; pos != (head); pos = pos->next)

/* The current node may be removed and freed in the body; no other may. */
#define list_for_each_safe(pos, head) \
	for (struct list *pos = (head)->next, *pos##_next_ = pos->next; pos != (head); \
	     pos = pos##_next_, pos##_next_ = pos->next)

#endif
