/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trouble: why mail may have to wait because of a policy, or of DANE that
 * cannot be looked up: of which next hop, since when. It is what
 * engine_hooks.trouble told and has not taken back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/str.h"
#include "outbound/engine.h"

struct trouble;

#define TROUBLE_MAX 10000u /* reasons; the longest known goes first */

struct trouble *trouble_new(void);
void trouble_free(struct trouble **t);

/* A reason begins; one that is known keeps its time. */
void trouble_begin(struct trouble *t, const struct policy_domain *domain,
	enum engine_trouble reason, const char *why, int64_t now);

/* false: it was not known. */
bool trouble_end(struct trouble *t, const struct policy_domain *domain,
	enum engine_trouble reason);

/* Policy domains, each once. */
size_t trouble_count(const struct trouble *t);

/*
 * The open array gets {"domain", "next_hop", "reason", "since", "why"} of each
 * reason, oldest first. next_hop is as mail servers ask for it.
 */
void trouble_json(const struct trouble *t, struct json_writer *w);
