/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme_jws: what ACME signs (RFC 8555 section 6.2): flattened JWS with ES256,
 * the external account binding with HS256, thumbprints and key authorizations.
 * Pure: no network, no clock. Account keys are P-256.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/status.h"
#include "base/str.h"

struct pki_key;

struct acme_jws {
	const struct pki_key *key;
	struct str kid; /* the account URL; empty: the key itself goes in */
	struct str nonce;
	struct str url;	    /* where it will be posted */
	struct str payload; /* JSON; p == NULL: POST-as-GET (section 6.3) */
};

/* The request body, in the arena. ST_LIMIT when that is full. */
enum status acme_jws_write(struct arena *a, const struct acme_jws *j,
	struct str *out, struct err *e);

/*
 * Writes the "externalAccountBinding" member (section 7.3.4): the account's
 * public key, signed with the key the CA gave out under kid. url: newAccount.
 */
void acme_jws_put_eab(struct arena *a, struct json_writer *w,
	const struct pki_key *account, struct str kid, struct str mac_key,
	struct str url);

/* RFC 7638 with SHA-256, base64url. */
struct str acme_thumbprint(struct arena *a, const struct pki_key *account);

/* token "." thumbprint (RFC 8555 section 8.1). */
struct str acme_key_auth(
	struct arena *a, struct str token, const struct pki_key *account);

/* The TXT text of dns-01 (section 8.4): base64url(SHA-256(key_auth)). */
struct str acme_dns01_text(struct arena *a, struct str key_auth);
