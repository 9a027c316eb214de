/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_json: what the sending side knows, as JSON: for its control socket and
 * for moat explain. Members are named as the fields they come from.
 */
#pragma once

#include "base/json.h"
#include "cache/policy_cache.h"
#include "outbound/engine.h"

/* A cached policy; in_force: as engine_in_force; whole: with its text and what
 * it was before. */
void policy_json_entry(struct json_writer *w, const char *name,
	const struct policy_entry *entry, bool in_force, bool whole);

void policy_json_rule(struct json_writer *w, const char *name,
	const struct policy_rule *rule, int64_t now);

/* One step of an answer, an object in an array. */
void policy_json_step(struct json_writer *w, struct arena *a,
	const struct engine_step *step, int64_t now);

/*
 * What a profile gets: the decision, the line as the MTA sees it, and which TLS
 * report follows. kind: "sts", "sts-tlsrpt", "dane-sts".
 */
void policy_json_answer(struct json_writer *w, struct arena *a,
	const struct engine_profile *profile, const struct decision *d);

/* "sts", "sts-tlsrpt", "dane-sts"; ST_INVALID if s is none of them. */
const char *sts_profile_kind_name(enum sts_profile_kind kind);
enum status sts_profile_kind_parse(struct str s, enum sts_profile_kind *out);
