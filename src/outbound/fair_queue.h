/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fair_queue: who gets the next free place. Those known come before strangers;
 * among the one as among the other the groups take turns, so that one with a
 * hundred thousand names waits for itself and not others for it, and none has
 * more than group_max places of a kind at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct fair_queue;
struct fair_group;

/* Embedded in what waits, then has a place; all zero: neither. */
struct fair_item {
	struct fair_group *group;
	bool waits;
	struct fair_item *next, *prev;
};

struct fair_queue *fair_queue_new(size_t group_max);
/* It must be empty; clears *q; NULL is allowed. */
void fair_queue_free(struct fair_queue **q);

/* group is copied. */
void fair_queue_add(struct fair_queue *q, struct fair_item *item, bool known,
	struct str group);
/* It waits no longer, or gives its place back. Neither: does nothing. */
void fair_queue_done(struct fair_queue *q, struct fair_item *item);

/* Gives the next one a place; NULL: none may. Strangers only if wanted. */
struct fair_item *fair_queue_take(struct fair_queue *q, bool strangers);

/* Those that wait. */
size_t fair_queue_count(const struct fair_queue *q);
