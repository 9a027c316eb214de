/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish: from the database into the view: what a domain, a certificate or a
 * challenge means for hosts and names. Everything is derived anew from rows,
 * so that applying a change twice, or late, does no harm.
 *
 * Status: as store.h for reading, as view_writer.h for writing; after a failure
 * of the view its transaction is over.
 */
#pragma once

#include "hosting/zone.h"
#include "store/store.h"
#include "view/view_writer.h"

#define PUBLISH_HOST_PREFIX STR("mta-sts.") /* RFC 8461 section 3.3 */

struct publish {
	struct store *store;
	struct view_writer *view; /* with an open transaction */
	const struct zone_config *zone;
	int64_t now;
};

/* All that a change touches. a is scratch: reset it between changes. */
enum status publish_change(const struct publish *p, struct arena *a,
	const struct store_change *c, struct err *e);

/* Everything, into an empty view, in several commits. */
enum status publish_all(struct publish *p, struct err *e);

/*
 * Which of the rows of one name is served: the best proof, the newest of equal
 * ones; NULL without any proof. Pure.
 */
const struct store_domain *publish_winner(
	const struct store_domain *rows, size_t n);

/* A text that differs when the settings would publish something else. */
struct str publish_fingerprint(struct arena *a, const struct zone_config *c);
