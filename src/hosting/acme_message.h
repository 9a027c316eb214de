/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme_message: the JSON objects of ACME (RFC 8555 section 7.1, RFC 9773) as
 * plain structs. Pure; strings are borrowed from the parsed text's arena.
 *
 * Members that are missing leave an empty str; what a caller cannot go on
 * without is ST_INVALID here, with a text that names the member. URLs are not
 * judged here: the HTTP client takes none but https.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"

#define ACME_TEXT_MAX 2000u    /* of a problem's text kept for people */
#define ACME_AUTHZ_MAX 100u    /* authorizations in an order */
#define ACME_CHALLENGE_MAX 20u /* challenges in an authorization */
#define ACME_PROFILE_MAX 50u
#define ACME_CAA_MAX 20u

struct acme_directory {
	struct str new_nonce, new_account, new_order;
	struct str renewal_info; /* empty: the CA has no ARI */
	struct str terms;	 /* meta.termsOfService */
	bool needs_eab;		 /* meta.externalAccountRequired */
	struct str *caa;	 /* meta.caaIdentities */
	size_t n_caa;
	struct str *profiles; /* names under meta.profiles */
	size_t n_profiles;
};

/* status as in section 7.1.6; anything else is ACME_OTHER. */
enum acme_state {
	ACME_PENDING,
	ACME_READY,
	ACME_PROCESSING,
	ACME_VALID,
	ACME_INVALID,
	ACME_OTHER, /* deactivated, expired, revoked, unknown */
};

/* A problem document (RFC 9457, RFC 8555 section 6.7). */
struct acme_problem {
	struct str type;   /* "urn:ietf:params:acme:error:caa" */
	struct str detail; /* detail and all subproblems, for people */
};

struct acme_order_info {
	enum acme_state state;
	struct str *authz; /* URLs */
	size_t n_authz;
	struct str finalize, certificate; /* URLs */
	struct unix_time expires;	  /* 0: not given */
	struct acme_problem problem;	  /* type.n == 0: none */
};

struct acme_challenge_info {
	struct str type, url, token;
	enum acme_state state;
	struct acme_problem problem;
};

struct acme_authz_info {
	enum acme_state state;
	struct str host; /* identifier.value */
	bool wildcard;
	struct acme_challenge_info *challenges;
	size_t n_challenges;
};

struct acme_renewal_info {
	struct unix_time start, end;
	struct str explanation; /* explanationURL */
};

/* Each: ST_INVALID when text is not that object, ST_LIMIT when too large. */
enum status acme_directory_parse(struct arena *a, struct str text,
	struct acme_directory *out, struct err *e);
enum status acme_order_parse(struct arena *a, struct str text,
	struct acme_order_info *out, struct err *e);
enum status acme_authz_parse(struct arena *a, struct str text,
	struct acme_authz_info *out, struct err *e);
enum status acme_renewal_parse(struct arena *a, struct str text,
	struct acme_renewal_info *out, struct err *e);

/* The account's "status" member: "valid", "deactivated", "revoked". */
enum status acme_account_parse(struct arena *a, struct str text,
	struct str *account_status, struct err *e);

/*
 * Never fails: what is no problem document becomes one of the empty type whose
 * detail says "HTTP status N" and the beginning of the text.
 */
void acme_problem_parse(struct arena *a, int http_status, struct str text,
	struct acme_problem *out);

/* true if the problem is of "urn:ietf:params:acme:error:" name. */
bool acme_problem_is(const struct acme_problem *p, const char *name);

/*
 * Retry-After (RFC 9110 section 10.2.3): seconds or an IMF-fixdate, as seconds
 * from now; fallback when absent or unreadable; clamped to min..max.
 */
int64_t acme_retry_after(struct str value, struct unix_time now,
	int64_t fallback, int64_t min, int64_t max);
