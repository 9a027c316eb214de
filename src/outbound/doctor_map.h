/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_map: does smtp_tls_policy_maps of Postfix lead to moat? */
#pragma once

#include "outbound/doctor.h"
#include "outbound/engine.h"

struct doctor_postfix;

/* The moat that is to be found in there. */
struct doctor_moat {
	const struct engine_profile *profiles;
	size_t n_profiles;
	const struct str *listen; /* "127.0.0.1:8461" */
	size_t n_listen;
	struct str socket; /* its path; empty: none */
};

/* Which of our answers Postfix asks for, and how. */
struct doctor_map {
	struct str text;   /* "socketmap:unix:moat/policy.sock:sts" */
	struct str socket; /* the path as smtp(8) sees it; empty: TCP */
	const struct engine_profile *profile; /* NULL: moat has none so named */
};

/* Takes the next entry of a list, as of tables; what is in braces is one. */
struct str doctor_map_next(struct str *rest);

/* Finds our table and judges those before it; *map as doctor_postfix_judge. */
void doctor_map_judge(struct doctor *d, const struct doctor_postfix *p,
	const struct doctor_moat *moat, struct doctor_map *map);
