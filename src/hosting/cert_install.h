/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_install: from a chain and a key, wherever they came from, to a row that
 * edge will serve. What would break the host is refused here, so the old
 * certificate stays.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "hosting/cert_env.h"
#include "store/store.h"

#define CERT_KEY_PURPOSE STR("cert")
#define ALPN_KEY_PURPOSE STR("alpn")

/* A fresh key of the configured type. */
enum status cert_key_new(
	const struct cert_env *env, struct pki_key **out, struct err *e);

/* The key, sealed for a purpose, in the arena; and back. */
enum status cert_key_seal(const struct cert_env *env, struct arena *a,
	struct str purpose, const struct pki_key *key, struct str *sealed,
	struct err *e);
enum status cert_key_open(const struct cert_env *env, struct str purpose,
	struct str sealed, struct pki_key **out, struct err *e);

/*
 * Checks the chain (it covers the host, has this key, is valid now) and fills
 * the row: tenant, host, source and directory are the caller's, the rest comes
 * from here. ST_INVALID: refused, err says why.
 */
enum status cert_check(const struct cert_env *env, struct arena *a,
	const struct str *chain, size_t n, struct str key_sealed,
	struct store_cert *row, struct err *e);

/* The SHA-256 of the leaf as the row's id spells it. */
struct str cert_id_of(struct arena *a, struct str leaf_der);
