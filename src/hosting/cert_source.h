/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_source: certificates that do not come from an ACME server: a local CA
 * (for trials and tests), a folder of PEM files that somebody else keeps, or a
 * command. Their orders stand in the same queue and fail with the same
 * back-off; what differs is where chain and key come from.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "hosting/cert_env.h"

/* As acme_order_work, for the configured source. */
enum status cert_source_work(
	struct cert_env *env, struct str order_id, struct err *e);

/* Does the folder hold a certificate for host other than the one of that id? */
bool cert_files_changed(const struct cert_env *env, struct arena *a,
	struct str host, struct str id);

/* What a source gives. The key is the caller's. */
struct cert_material {
	struct str *chain; /* DER, leaf first */
	size_t n;
	struct pki_key *key;
};

/* One source each; ST_NOTFOUND: it has none for host (yet). */
enum status cert_from_local_ca(const struct cert_env *env, struct arena *a,
	struct str host, struct cert_material *out, struct err *e);
enum status cert_from_files(const struct cert_env *env, struct arena *a,
	struct str host, struct cert_material *out, struct err *e);
enum status cert_from_exec(const struct cert_env *env, struct arena *a,
	struct str host, struct cert_material *out, struct err *e);
