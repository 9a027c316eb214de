/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof: what shows that a domain is the tenant's, and what may be done with
 * it ("What proves that a domain is the tenant's" in docs/architecture.md).
 * Pure: findings in, row out.
 */
#pragma once

#include "store/store.h"

enum proof_seen {
	PROOF_SEEN_UNKNOWN, /* could not be looked up: keeps what was known */
	PROOF_SEEN_US,	    /* leads to us, or says the token */
	PROOF_SEEN_MISSING,
	PROOF_SEEN_OTHER,
};

/* One look at a domain's names, at its own name servers. */
struct proof_look {
	enum proof_seen cname[STORE_CNAMES];
	struct str found[STORE_CNAMES]; /* what is there instead */
	enum proof_seen token;		/* TXT at _moat.D */
	bool address_is_ours; /* own A/AAAA or flattened: leads to the edge */
	int64_t due;	      /* proof_next of the row when the look began */
};

/* A proof is lost only after this many looks in a row that deny it. */
#define PROOF_LOST_AFTER 3

/*
 * Applies a look to the row: cname*, proof, proof_since, proof_checked,
 * proof_tries, proof_next, proof_detail. Returns true if the view must follow
 * (the proof changed). Text lives in a.
 */
bool proof_apply(struct arena *a, struct store_domain *d,
	const struct proof_look *look, int64_t now);

/* The best proof that this look by itself shows. */
enum store_proof proof_of_look(const struct proof_look *look);

/* Does the proof let the policy be served? */
bool proof_serves(enum store_proof p);

/* Seconds until the next look. */
int64_t proof_delay(enum store_proof p, int64_t tries, int64_t age_s);
