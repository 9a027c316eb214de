/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme_ari: when a certificate is renewed. The CA says when it suits it (RFC
 * 9773); where it does not, a backstop does: a third of the lifetime left, or
 * half of it when the lifetime is under ten days. Pure: time and chance come
 * in as arguments.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"

struct store_cert;
struct acme_renewal_info;

/* base64url(AKI keyIdentifier) "." base64url(serial octets), section 4.1;
 * p == NULL without an AKI. */
struct str acme_ari_cert_id(
	struct arena *a, struct str authority_key, struct str serial);

/* renewalInfo URL "/" certID. */
struct str acme_ari_url(
	struct arena *a, struct str renewal_info, struct str cert_id);

/* When to renew without a word from the CA. */
int64_t acme_renew_backstop(int64_t not_before, int64_t not_after);

/*
 * Puts a window into c: ari_start, ari_end, ari_url and renew_at, a random
 * second in it (section 4.2), but not so late that less than a sixth of the
 * lifetime is left. The same window as before keeps the second chosen then.
 */
void acme_ari_apply(struct store_cert *c, const struct acme_renewal_info *info,
	uint32_t random);

/* true if the window begins well before the backstop: the CA is in a hurry,
 * which means revocation. */
bool acme_ari_early(const struct store_cert *c);

/* Bounds and default for Retry-After between two questions, in seconds. */
#define ACME_ARI_MIN_S 60
#define ACME_ARI_DEFAULT_S (6 * 3600)
#define ACME_ARI_MAX_S 86400
