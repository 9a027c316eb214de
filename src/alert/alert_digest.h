/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_digest: digest mails fall due when their day or week (from Monday, in
 * UTC) is over. What a tenant has had is noted in the transaction that leaves
 * the notices, so that a period is told once, whatever crashes; of several
 * that went by, only the last is told.
 */
#pragma once

#include "alert/alert_tell.h"
#include "base/clock.h"

struct alert_digest {
	struct alert_tell_options tell;
	enum store_digest usual; /* of tenants that do not say */
	bool empty;		 /* say so when there is nothing to say */
	struct store *store;
	const struct clock *clock;
	int64_t looked; /* the day of the last look, 0 none yet */
};

/* Looks once a day. Statuses of the store; the next call tries again. */
enum status alert_digest_step(struct alert_digest *d, struct err *e);

/* The first day of the last period that is over on a day. */
int64_t alert_digest_last(bool weekly, int64_t today);
