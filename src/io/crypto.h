/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto: hashes, random bytes and the sealing of secrets at rest.
 *
 * Sealed text is a version byte, a 24-byte random nonce and the output of
 * XChaCha20-Poly1305 with the purpose as associated data: what was sealed for
 * one purpose (a table, a row) opens for no other.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"

#define CRYPTO_SHA256_BYTES 32u
#define CRYPTO_KEY_BYTES 32u
#define CRYPTO_SEAL_EXTRA 41u /* sealed is longer than plain by this much */

/* SHA-256 (FIPS 180-4) of data. */
void crypto_sha256(struct str data, unsigned char out[CRYPTO_SHA256_BYTES]);

/* HMAC-SHA-256 (RFC 2104), any key length. */
void crypto_hmac_sha256(struct str key, struct str data,
	unsigned char out[CRYPTO_SHA256_BYTES]);

/* The same over n parts in order. */
void crypto_hmac_sha256_parts(struct str key, const struct str *parts, size_t n,
	unsigned char out[CRYPTO_SHA256_BYTES]);

/* n unpredictable bytes. */
void crypto_random(void *p, size_t n);

/* A number in 0..upper-1, each as likely; 0 when upper is 0. */
uint32_t crypto_random_below(uint32_t upper);

/* The key that seals; in locked memory, wiped when freed. */
struct crypto_key;

/*
 * Reads the key: 64 hex digits and an optional newline. The file must be a
 * regular file that only its owner can read. A path of the form
 * "credential:NAME" means $CREDENTIALS_DIRECTORY/NAME, which systemd guards.
 * ST_NOTFOUND: no such file; ST_INVALID: wrong content or too open;
 * ST_PERM: cannot be read.
 */
enum status crypto_key_open(
	const char *path, struct crypto_key **out, struct err *e);

/*
 * Makes a new random key file, mode 0600, synced to the disk, never over an
 * existing one. ST_LIMIT: it exists; ST_PERM: cannot be written.
 */
enum status crypto_key_create(const char *path, struct err *e);

/* A key from bytes at hand: for tests. */
struct crypto_key *crypto_key_of(const unsigned char bytes[CRYPTO_KEY_BYTES]);

/* Wipes and frees; clears *k; NULL is allowed. */
void crypto_key_free(struct crypto_key **k);

/* Appends plain, sealed for purpose; out tells by sbuf_ok if it fitted. */
void crypto_seal(const struct crypto_key *k, struct str purpose,
	struct str plain, struct sbuf *out);

/*
 * Opens into at most cap bytes at out, *n of them; the caller wipes them.
 * ST_INVALID: not sealed with this key for this purpose, or damaged;
 * ST_LIMIT: cap is too small.
 */
enum status crypto_open(const struct crypto_key *k, struct str purpose,
	struct str sealed, void *out, size_t cap, size_t *n);

/* A secret of any other kind, such as a MAC key; in locked memory. */
struct crypto_secret;

#define CRYPTO_SECRET_MAX 1024u /* bytes of its text */

/*
 * Reads a secret written as base64url (a newline may follow) from a file with
 * the same rules, and the same statuses, as crypto_key_open.
 */
enum status crypto_secret_open(
	const char *path, struct crypto_secret **out, struct err *e);

/* The same for a secret that stands there as it is, such as a password. */
enum status crypto_secret_open_text(
	const char *path, struct crypto_secret **out, struct err *e);

/* The bytes, borrowed. */
struct str crypto_secret_bytes(const struct crypto_secret *s);

#define CRYPTO_DERIVED_CAP (2 * CRYPTO_SHA256_BYTES + 1)

/*
 * A key of its own for whatever has that id: the HMAC-SHA-256 of it with the
 * secret, in hexadecimal. The text stands in out, which the caller wipes.
 */
struct str crypto_derive(const struct crypto_secret *s, struct str id,
	char out[CRYPTO_DERIVED_CAP]);

/* Wipes and frees; clears *s; NULL is allowed. */
void crypto_secret_free(struct crypto_secret **s);
