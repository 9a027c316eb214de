/* SPDX-License-Identifier: Apache-2.0 */
/* proof: rules and schedule of the looks at a domain's names. */
#include "hosting/proof.h"

#include "base/poison.h"

/* Somebody who has just added a domain sits in front of the screen. */
#define EAGER_TRIES 24
#define EAGER_S 5
#define BUSY_AGE_S (2 * 3600)
#define BUSY_S 60
#define IDLE_S 3600
#define HELD_S 3600
#define UNKNOWN_S 300 /* at most, for one that is new */
#define DENIED_S 300  /* a held proof that a look denied: look again soon */

bool proof_serves(enum store_proof p)
{
	return p == STORE_PROOF_CNAME || p == STORE_PROOF_TXT;
}

int64_t proof_delay(enum store_proof p, int64_t tries, int64_t age_s)
{
	if (p != STORE_PROOF_NONE && p != STORE_PROOF_ACME)
		return HELD_S;
	if (tries < EAGER_TRIES)
		return EAGER_S;
	return age_s < BUSY_AGE_S ? BUSY_S : IDLE_S;
}

/*
 * A look that learned nothing took the longest there is: the next one is twice
 * as far off, so that dead name servers do not keep others waiting.
 */
static int64_t unknown_delay(int64_t tries, int64_t delay_s)
{
	int64_t wait = tries < 6 ? (int64_t)EAGER_S << tries : UNKNOWN_S;

	return wait > delay_s ? wait : delay_s;
}

static enum store_cname_state cname_state(enum proof_seen seen)
{
	switch (seen) {
	case PROOF_SEEN_UNKNOWN:
		break;
	case PROOF_SEEN_US:
		return STORE_CNAME_OK;
	case PROOF_SEEN_MISSING:
		return STORE_CNAME_MISSING;
	case PROOF_SEEN_OTHER:
		return STORE_CNAME_ELSEWHERE;
	}
	return STORE_CNAME_UNKNOWN;
}

static void apply_cnames(
	struct arena *a, struct store_domain *d, const struct proof_look *look)
{
	for (size_t i = 0; i < STORE_CNAMES; i++) {
		if (look->cname[i] == PROOF_SEEN_UNKNOWN)
			continue;
		d->cname[i].state = cname_state(look->cname[i]);
		d->cname[i].found = look->cname[i] == PROOF_SEEN_OTHER
					    ? arena_str(a, look->found[i])
					    : (struct str){};
	}
}

enum store_proof proof_of_look(const struct proof_look *look)
{
	if (look->cname[STORE_CNAME_HOST] == PROOF_SEEN_US)
		return STORE_PROOF_CNAME;
	if (look->token == PROOF_SEEN_US && look->address_is_ours)
		return STORE_PROOF_TXT;
	if (look->cname[STORE_CNAME_ACME] == PROOF_SEEN_US)
		return STORE_PROOF_ACME;
	return STORE_PROOF_NONE;
}

/* Could what proves now not be looked at? Then it stands. */
static bool undecided(enum store_proof p, const struct proof_look *look)
{
	switch (p) {
	case STORE_PROOF_NONE:
		return false;
	case STORE_PROOF_CNAME:
		return look->cname[STORE_CNAME_HOST] == PROOF_SEEN_UNKNOWN;
	case STORE_PROOF_ACME:
		return look->cname[STORE_CNAME_ACME] == PROOF_SEEN_UNKNOWN;
	case STORE_PROOF_TXT:
		return look->token == PROOF_SEEN_UNKNOWN;
	}
	return false;
}

static struct str detail(struct arena *a, const struct store_domain *d,
	const struct proof_look *look, enum store_proof p)
{
	struct str found = look->found[STORE_CNAME_HOST];

	switch (p) {
	case STORE_PROOF_CNAME:
		return arena_fmt(
			a, "mta-sts.%.*s leads to us", STR_ARG(d->name));
	case STORE_PROOF_TXT:
		return arena_fmt(
			a, "_moat.%.*s has the token", STR_ARG(d->name));
	case STORE_PROOF_ACME:
		return arena_fmt(a,
			"_acme-challenge.mta-sts.%.*s leads to us, "
			"mta-sts.%.*s not yet",
			STR_ARG(d->name), STR_ARG(d->name));
	case STORE_PROOF_NONE:
		break;
	}
	if (look->cname[STORE_CNAME_HOST] == PROOF_SEEN_OTHER)
		return arena_fmt(a, "mta-sts.%.*s leads to %.*s",
			STR_ARG(d->name), STR_ARG(str_upto(found, 253)));
	if (look->cname[STORE_CNAME_HOST] == PROOF_SEEN_MISSING)
		return arena_fmt(
			a, "mta-sts.%.*s does not exist", STR_ARG(d->name));
	return arena_fmt(
		a, "mta-sts.%.*s could not be looked up", STR_ARG(d->name));
}

bool proof_apply(struct arena *a, struct store_domain *d,
	const struct proof_look *look, int64_t now)
{
	enum store_proof p = proof_of_look(look);
	bool denied = false, changed;
	int64_t delay;
	bool weaker = d->proof == STORE_PROOF_CNAME ||
		      d->proof == STORE_PROOF_TXT;

	apply_cnames(a, d, look);
	d->proof_checked = now;
	d->proof_tries++;
	if (!proof_serves(p) && weaker) {
		if (undecided(d->proof, look)) {
			d->proof_tries = 0;
			p = d->proof;
		} else if (d->proof_tries < PROOF_LOST_AFTER) {
			denied = true;
			p = d->proof;
		}
	} else if (proof_serves(p)) {
		d->proof_tries = 0; /* from here on it counts denials */
	} else if (p == STORE_PROOF_NONE && undecided(d->proof, look)) {
		p = d->proof;
	}
	changed = p != d->proof;
	if (changed) {
		d->proof = p;
		d->proof_since = now;
		d->proof_tries = 0;
	}
	d->proof_detail = detail(a, d, look, denied ? STORE_PROOF_NONE : p);
	delay = denied ? DENIED_S
		       : proof_delay(p, d->proof_tries, now - d->created);
	if (look->cname[STORE_CNAME_HOST] == PROOF_SEEN_UNKNOWN)
		delay = unknown_delay(d->proof_tries, delay);
	d->proof_next = now + delay;
	return changed;
}
