/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trouble: the domains whose mail may have to wait because of a policy, or of
 * DANE that cannot be looked up: since when, and why. It is what
 * engine_hooks.trouble told and has not taken back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/str.h"

struct trouble;

#define TROUBLE_MAX 10000u /* domains; the longest known goes first */

struct trouble *trouble_new(void);
void trouble_free(struct trouble **t);

/* A domain is in trouble; one that is already keeps its time. */
void trouble_begin(
	struct trouble *t, struct str domain, const char *why, int64_t now);

/* false: it was not in trouble. */
bool trouble_end(struct trouble *t, struct str domain);

size_t trouble_count(const struct trouble *t);

/* The open array gets {"domain", "since", "why"} of each, oldest first. */
void trouble_json(const struct trouble *t, struct json_writer *w);
