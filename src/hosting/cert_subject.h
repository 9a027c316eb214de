/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_subject: may a certificate for this host be had now, and by which
 * challenges? The answer is the proof the keeper last found ("What proves that
 * a domain is the tenant's" in docs/architecture.md).
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "hosting/cert_env.h"
#include "store/store.h"

#define CERT_HOST_PREFIX "mta-sts." /* RFC 8461 section 3.3 */

struct cert_subject {
	bool system;		    /* a host of ours, not of a domain */
	struct store_domain domain; /* unless system */
	unsigned challenges;	    /* bits 1 << enum acme_challenge_kind */
};

/*
 * ST_NOTFOUND: no certificate for it (any more): no such host or domain,
 * removed, or nothing leads to us now; err says which. Else the store's.
 */
enum status cert_subject_get(struct store *s, struct arena *a,
	const struct cert_config *config, struct str tenant, struct str host,
	struct cert_subject *out, struct err *e);

/* The challenges a proof allows. Pure. */
unsigned cert_challenges_of(
	enum store_proof proof, enum store_cname_state acme_cname);
