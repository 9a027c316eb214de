/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain_ops: what a person can do with a hosted domain. Each operation is one
 * transaction: it reads the row, checks, writes the row, the policy history if
 * the rendered policy changed, the change feed and the audit log.
 *
 * Status of all: ST_OK, *out (may be NULL) is the row afterwards, in a;
 * ST_NOTFOUND no such domain; ST_INVALID the request breaks a rule; ST_AGAIN it
 * could lose mail or breaks a promise to senders: err lists why, and force does
 * it all the same; else as store.h says.
 */
#pragma once

#include "store/store.h"

/* RFC 8461 section 3.2 allows a year; a policy in testing needs no more. */
#define DOMAIN_MAX_AGE_DEFAULT_S 604800
#define DOMAIN_MAX_AGE_MIN_S 3600
#define DOMAIN_MAX_AGE_MAX_S 31557600
#define DOMAIN_MX_MAX 64
#define DOMAIN_RUA_MAX 8
#define DOMAIN_RUA_BYTES_MAX 800 /* of all: the record fits a datagram */

struct domain_request {
	struct str tenant, name;
	struct str actor; /* for the audit log: "admin socket uid 0" */
	int64_t now;
	bool force;
};

/* A flag that may stay as it is; in a new domain that is the default. */
enum domain_choice { DOMAIN_KEEP, DOMAIN_YES, DOMAIN_NO };

/* What is not given is 0, NULL, or false, and stays as it is. */
struct domain_wish {
	const struct store_strs *mx; /* patterns (RFC 8461 section 3.2) */
	bool mx_confirmed;	     /* a person has seen them */
	int64_t max_age;
	enum domain_choice rua_https; /* which of our URIs TLSRPT */
	enum domain_choice rua_mail;  /* names; the default is mail */
	const struct store_strs *rua_extra;
};

/*
 * A new domain in mode testing, with a label of its own. Without mx, or
 * unconfirmed, it has no policy until domain_confirm_mx. ST_INVALID also: the
 * tenant has it already.
 */
enum status domain_add(struct store *s, struct arena *a,
	const struct domain_request *r, const struct domain_wish *wish,
	struct store_domain *out, struct err *e);

/*
 * Makes mx the list of the policy. mx NULL: the proposed list if there is one,
 * else the list as it stands.
 */
enum status domain_confirm_mx(struct store *s, struct arena *a,
	const struct domain_request *r, const struct store_strs *mx,
	struct store_domain *out, struct err *e);

enum status domain_set_mode(struct store *s, struct arena *a,
	const struct domain_request *r, enum store_mode mode,
	struct store_domain *out, struct err *e);

/* max_age and rua of wish. */
enum status domain_set_options(struct store *s, struct arena *a,
	const struct domain_request *r, const struct domain_wish *wish,
	struct store_domain *out, struct err *e);

/*
 * Begins to leave: mode none from now on; the keeper removes the domain when
 * no sender can hold another policy any more.
 */
enum status domain_retire(struct store *s, struct arena *a,
	const struct domain_request *r, struct store_domain *out,
	struct err *e);

/* Ends hosting at once. */
enum status domain_remove(struct store *s, struct arena *a,
	const struct domain_request *r, struct store_domain *out,
	struct err *e);

/* Has the proof looked at again now, and a failed order tried again. */
enum status domain_recheck(struct store *s, struct arena *a,
	const struct domain_request *r, struct store_domain *out,
	struct err *e);

/* ---- the rules, pure ---- */

#define DOMAIN_REASONS_MAX 8

struct domain_reasons {
	struct str text[DOMAIN_REASONS_MAX]; /* sentences, in the arena */
	size_t n;
};

/* Why going to enforce now could lose mail. */
void domain_enforce_risks(struct arena *a, const struct store_domain *d,
	struct domain_reasons *out);

/* Why a policy with the list mx could lose mail where d's did not. */
void domain_mx_risks(struct arena *a, const struct store_domain *d,
	const struct store_strs *mx, struct domain_reasons *out);

/* Why senders would miss the policy host if it went now. */
void domain_remove_risks(struct arena *a, const struct store_domain *d,
	int64_t now, struct domain_reasons *out);

/*
 * Brings policy_id and policy_body in line with mode, mx and max_age. Returns
 * false, and leaves d alone, when the body stays the same. New text lives in a.
 */
bool domain_render(struct arena *a, struct store_domain *d, int64_t now);
