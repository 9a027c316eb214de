/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_owner: whose a report is: by the recipient it was sent to, or, where
 * that says only a tenant or nothing, by the domains it is about.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "intake/digest_known.h"
#include "io/spool.h"
#include "proto/tlsrpt_report.h"
#include "store/store.h"

struct digest_owner {
	struct str tenant, domain;
	/* A mail to the domain, but about this one, which is nobody's here or
	 * another tenant's, or "no domain"; empty: all is well. */
	struct str elsewhere;
	struct store_report_rule rule; /* the tenant's */
};

/*
 * Everything lives in a or is known. ST_INVALID: nobody here has the recipient
 * ID, or the report is about no domain of the mailbox's tenant; else as the
 * store.
 */
enum status digest_owner_find(struct digest_known *k, struct arena *a,
	const struct spool_meta *meta, const struct tlsrpt_report *r,
	struct digest_owner *out, struct err *e);
