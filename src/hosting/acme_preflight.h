/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme_preflight: would the CA's check succeed? Asked before any order, since
 * a failed one counts against a narrow limit. Four in five failed orders of
 * the field fail for what can be seen beforehand.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "hosting/acme_message.h"
#include "hosting/cert_env.h"
#include "hosting/cert_subject.h"

/* What the HTTP probe asks for and must get; already published. */
struct acme_http_probe {
	struct str token, value; /* token.n == 0: do not ask */
};

/*
 * Looks, through the probe role, whether host can be validated by k: its CNAME
 * leads to us as its own name servers say, CAA lets one of the issuers issue,
 * a probe on port 80 is answered by us.
 *
 * ST_OK: nothing speaks against it. ST_INVALID: it would fail, err is the
 * sentence to show. ST_TEMP: it could not be found out.
 */
enum status acme_preflight(const struct cert_env *env, struct arena *a,
	const struct cert_subject *subject, struct str host,
	enum acme_challenge_kind k, const struct acme_directory *d,
	const struct acme_http_probe *probe, struct err *e);

/*
 * dns-01: do all configured secondaries show our zone's serial, so that the CA
 * sees the challenge whichever it asks? ST_OK; ST_AGAIN: not yet, err says
 * which one.
 */
enum status acme_preflight_secondaries(
	const struct cert_env *env, struct arena *a, struct err *e);
