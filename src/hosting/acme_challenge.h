/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme_challenge: choosing one of the three challenges and making what edge or
 * dns will answer (RFC 8555 section 8, RFC 8737).
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "hosting/acme_message.h"
#include "hosting/cert_env.h"
#include "store/store.h"

/* "http-01" and so on; ACME_CHALLENGES gives "". */
const char *acme_challenge_name(enum acme_challenge_kind k);
enum acme_challenge_kind acme_challenge_parse(struct str name);

/*
 * The next kind of the set `allowed`, in the order http-01, tls-alpn-01,
 * dns-01, behind the one tried last (ACME_CHALLENGES: none yet);
 * ACME_CHALLENGES when there is none left. Pure.
 */
enum acme_challenge_kind acme_challenge_next(
	unsigned allowed, enum acme_challenge_kind last);

/* The one of that kind in an authorization, or NULL. */
const struct acme_challenge_info *acme_challenge_find(
	const struct acme_authz_info *authz, enum acme_challenge_kind k);

/* May another kind of challenge help after this problem? Pure. */
bool acme_challenge_may_help(const struct acme_problem *p);

/*
 * What is to be published for token; tenant, host, order_id and expires are
 * the caller's.
 */
enum status acme_challenge_make(const struct cert_env *env, struct arena *a,
	enum acme_challenge_kind k, struct str token,
	struct store_challenge *out, struct err *e);
