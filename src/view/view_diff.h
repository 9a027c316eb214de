/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_diff: which records of the zone a transaction changed. It remembers each
 * touched name as it was before, takes what it is at the end, and gives the
 * difference as the step that IXFR wants.
 */
#pragma once

#include "view/view.h"

struct view_diff;

struct view_diff *view_diff_new(void);
void view_diff_free(struct view_diff **d);
/* Forgets all names. */
void view_diff_reset(struct view_diff *d);

bool view_diff_has(const struct view_diff *d, struct str owner);
/* value: the name's value in the file, empty if none; false: not one. */
bool view_diff_before(struct view_diff *d, struct str owner, struct str value);
bool view_diff_after(struct view_diff *d, struct str owner, struct str value);

/* Walks the touched names: start with *at = 0. */
bool view_diff_next(const struct view_diff *d, size_t *at, struct str *owner);

/* Is there any difference in records other than the SOA? */
bool view_diff_any(struct view_diff *d);

/* Fills in deleted and added, each beginning with its SOA; lives in d. */
void view_diff_step(struct view_diff *d, const struct view_zone *from,
	const struct view_zone *to, struct view_step *step);
