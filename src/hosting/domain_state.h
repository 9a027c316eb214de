/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain_state: where a domain stands, in words, and what comes next. Pure.
 */
#pragma once

#include "store/store.h"

enum domain_word {
	DOMAIN_CONFIRM_MX,   /* a person must look at the MX list */
	DOMAIN_SET_UP_DNS,   /* the records are not there yet */
	DOMAIN_GETTING_CERT, /* they are; the certificate is on its way */
	DOMAIN_SERVING_NONE, /* mode none */
	DOMAIN_TESTING,
	DOMAIN_ENFORCING,
	DOMAIN_RETIRING,
	DOMAIN_REMOVED,
	DOMAIN_NEEDS_ATTENTION,
};

struct domain_state {
	enum domain_word word;
	struct str sentence; /* what is so; for attention: why */
	struct str next;     /* what to do, or what happens by itself */
};

/* "set up DNS", "getting certificate", "testing", ... */
const char *domain_word_text(enum domain_word w);

/*
 * cert and order are the current certificate and the last order of mta-sts.D,
 * or NULL. zone is the hosted zone. Text lives in a.
 */
struct domain_state domain_state_of(struct arena *a,
	const struct store_domain *d, const struct store_cert *cert,
	const struct store_acme_order *order, struct str zone, int64_t now);

/* The records the customer publishes ("DNS names" in docs/architecture.md). */
struct domain_record {
	struct str owner, type, value;
	bool optional;
	enum store_cname_state state;
	struct str found; /* what is there instead */
};
/* STORE_CNAMES records, in that order, and then the TXT token as a fifth. */
#define DOMAIN_RECORDS (STORE_CNAMES + 1)
void domain_records(struct arena *a, const struct store_domain *d,
	struct str zone, struct domain_record out[DOMAIN_RECORDS]);
