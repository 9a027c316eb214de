/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: what an engine does for a next hop and why, as JSON: each step with
 * its evidence, the MX hosts beside the patterns of the policy, and the answer
 * of each profile. It asks the engine as a mail server does.
 */
#pragma once

#include "outbound/engine.h"

#define EXPLAIN_BYTES_MAX (16u << 20)

/* The JSON lives in the arena of the start; p == NULL: it is too large. */
typedef void explain_fn(void *ctx, struct str json);

/* All zero: not running. Belongs to the caller and stays in its place. */
struct explain {
	struct explain_run *run;
};

/*
 * Asks for the domain, by how, as the first profile, then as the others; the
 * profiles and the name of the domain are borrowed. done is called once, never
 * before this returns.
 */
void explain_start(struct explain *x, struct engine *e, struct loop *l,
	struct arena *a, const struct engine_profile *profiles, size_t n,
	const struct policy_domain *domain, enum engine_how how,
	explain_fn *done, void *ctx);

/* done will not be called. Not running: does nothing. */
void explain_cancel(struct explain *x);
