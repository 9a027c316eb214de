/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_env: what the work on certificates stands on. One per worker thread;
 * all but the client and the account may be shared.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "hosting/acme_account.h"
#include "io/pki.h"

struct acme_client;
struct cert_exec;
struct crypto_key;
struct probe_client;
struct store;

enum cert_source {
	CERT_SOURCE_ACME,
	CERT_SOURCE_LOCAL_CA, /* trials and tests */
	CERT_SOURCE_FILES,    /* a folder of PEM files */
	CERT_SOURCE_EXEC,     /* a command */
};
const char *cert_source_name(enum cert_source s);

enum acme_challenge_kind { /* in the order of preference */
	ACME_HTTP01,
	ACME_ALPN01,
	ACME_DNS01,
	ACME_CHALLENGES,
};

struct cert_config {
	enum cert_source source;
	enum pki_key_type key_type;
	const char *files_dir;	   /* HOST/fullchain.pem, HOST/privkey.pem */
	const char *local_ca_file; /* where its root is written, PEM */
	struct str *system_hosts;  /* console, report host, ... */
	size_t n_system_hosts;
	/* ACME. */
	struct acme_account_options account;
	struct str profile;	       /* empty: the CA's default */
	unsigned challenges;	       /* bits 1 << enum acme_challenge_kind */
	bool limits;		       /* keep to the documented limits */
	bool preflight;		       /* look before ordering */
	struct str zone;	       /* the hosted zone */
	const struct str *secondaries; /* addresses that must show the serial */
	size_t n_secondaries;
};

struct cert_env {
	struct store *store;
	const struct crypto_key *seal;
	const struct clock *clock;
	const struct cert_config *config;
	const struct probe_client *probe; /* NULL: nothing is looked at */
	struct cert_exec *exec; /* the helper of CERT_SOURCE_EXEC, or NULL */
	struct acme_client *client;
	struct acme_account account;
};
