/* SPDX-License-Identifier: Apache-2.0 */
/* fair_queue: two rings of groups with a list each, the known and strangers. */
#include <string.h>

#include "outbound/fair_queue.h"

#include "base/bug.h"
#include "base/map.h"
#include "base/mem.h"

#include "base/poison.h"

struct fair_group {
	struct fair_item *first, *last; /* that wait */
	size_t places;			/* of those that no longer do */
	struct fair_group *next, *prev; /* in its ring, while some wait */
	bool known;			/* which ring */
	size_t name_n;
	char name[];
};

/* Each has two, by fair_group.known. */
struct fair_queue {
	struct fair_group *turn[2]; /* whose turn it is; NULL: nobody's */
	struct map *groups[2];
	size_t group_max, n;
};

struct fair_queue *fair_queue_new(size_t group_max)
{
	struct fair_queue *q = mem_must(sizeof(*q));

	q->groups[false] = map_new();
	q->groups[true] = map_new();
	q->group_max = group_max;
	return q;
}

void fair_queue_free(struct fair_queue **q)
{
	if (*q == NULL)
		return;
	BUG((*q)->n > 0);
	for (int known = 0; known < 2; known++) {
		BUG(map_count((*q)->groups[known]) > 0);
		map_free(&(*q)->groups[known]);
	}
	mem_free(*q);
	*q = NULL;
}

/* ---- groups ---- */

static struct fair_group *group_get(
	struct fair_queue *q, bool known, struct str name)
{
	struct fair_group *g = map_get(q->groups[known], name);

	if (g != NULL)
		return g;
	g = mem_must(sizeof(*g) + name.n);
	if (name.n > 0)
		memcpy(g->name, name.p, name.n);
	g->name_n = name.n;
	g->known = known;
	(void)map_put(q->groups[known], name, g);
	return g;
}

/* A new one's turn comes after all others'. */
static void ring_add(struct fair_queue *q, struct fair_group *g)
{
	struct fair_group **turn = &q->turn[g->known];

	if (*turn == NULL) {
		g->next = g->prev = g;
		*turn = g;
		return;
	}
	g->next = *turn;
	g->prev = (*turn)->prev;
	g->prev->next = g->next->prev = g;
}

static void ring_remove(struct fair_queue *q, struct fair_group *g)
{
	struct fair_group **turn = &q->turn[g->known];

	g->prev->next = g->next;
	g->next->prev = g->prev;
	if (*turn == g)
		*turn = g->next == g ? NULL : g->next;
	g->next = g->prev = NULL;
}

static void group_drop(struct fair_queue *q, struct fair_group *g)
{
	if (g->first != NULL || g->places > 0)
		return;
	(void)map_take(q->groups[g->known], (struct str){ g->name, g->name_n });
	mem_free(g);
}

/* ---- items ---- */

void fair_queue_add(struct fair_queue *q, struct fair_item *item, bool known,
	struct str group)
{
	struct fair_group *g = group_get(q, known, group);

	BUG(item->group != NULL);
	if (g->first == NULL)
		ring_add(q, g);
	*item = (struct fair_item){
		.group = g, .waits = true, .prev = g->last
	};
	if (g->last != NULL)
		g->last->next = item;
	else
		g->first = item;
	g->last = item;
	q->n++;
}

static void unlink_item(struct fair_queue *q, struct fair_item *item)
{
	struct fair_group *g = item->group;

	if (item->prev != NULL)
		item->prev->next = item->next;
	else
		g->first = item->next;
	if (item->next != NULL)
		item->next->prev = item->prev;
	else
		g->last = item->prev;
	item->waits = false;
	item->next = item->prev = NULL;
	q->n--;
	if (g->first == NULL)
		ring_remove(q, g);
}

void fair_queue_done(struct fair_queue *q, struct fair_item *item)
{
	struct fair_group *g = item->group;

	if (g == NULL)
		return;
	if (item->waits)
		unlink_item(q, item);
	else
		g->places--;
	item->group = NULL;
	group_drop(q, g);
}

/* The next group that may have one more place; NULL: none. */
static struct fair_group *next_group(struct fair_queue *q, bool known)
{
	struct fair_group *g = q->turn[known];

	if (g == NULL)
		return NULL;
	do {
		if (g->places < q->group_max) {
			q->turn[known] = g->next;
			return g;
		}
		g = g->next;
	} while (g != q->turn[known]);
	return NULL;
}

struct fair_item *fair_queue_take(struct fair_queue *q, bool strangers)
{
	struct fair_group *g = next_group(q, true);
	struct fair_item *item;

	if (g == NULL && strangers)
		g = next_group(q, false);
	if (g == NULL)
		return NULL;
	item = g->first;
	unlink_item(q, item);
	g->places++;
	return item;
}

size_t fair_queue_count(const struct fair_queue *q)
{
	return q->n;
}
