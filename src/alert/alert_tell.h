/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_tell: whom a notice goes to, and when. A tenant with recipients of its
 * own is told by these alone; the others by those of moat.conf.
 */
#pragma once

#include "base/day_hours.h"
#include "base/arena.h"
#include "store/alert.h"

/* What moat.conf says. */
struct alert_tell_options {
	bool mail, webhook;	/* is there such a channel? */
	struct day_hours quiet; /* mail waits for its end */
};

/*
 * Adds the notice n once for each recipient of n->tenant, by mail alone if
 * mail_only, to go out at from or, by mail, after the tenant's quiet hours.
 * *n_added (may be NULL): how many. Call it in a transaction.
 */
enum status alert_tell(const struct alert_tell_options *o, struct store *s,
	struct arena *a, const struct store_notice *n, bool mail_only,
	int64_t from, size_t *n_added, struct err *e);
