/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_source: the engine as an answer_source: from the name and key of a
 * request to profile and policy domain, from the decision to the reply.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "io/loop.h"
#include "outbound/answer_source.h"
#include "outbound/engine.h"

/* How long a next hop without a policy domain is remembered as that. */
#define POLICY_SOURCE_NO_DOMAIN_MS 3600000

struct policy_source_options {
	struct loop *loop;
	struct engine *engine; /* borrowed */
	/* By their names; borrowed. */
	const struct engine_profile *profiles;
	size_t n_profiles;
};

struct policy_source;

struct policy_source *policy_source_new(
	const struct policy_source_options *options);

/* Nothing may be asked any more; clears *s; NULL is allowed. */
void policy_source_free(struct policy_source **s);

/* Borrowed; good as long as s is. */
const struct answer_source *policy_source_get(const struct policy_source *s);
