/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_checks: looking at the world for the keeper, through the probe role:
 * proofs, MX lists that drift, and from both the orders of certificates. In
 * threads of its own, each with its own connection to the database: probes
 * wait for strangers' name servers.
 */
#pragma once

#include "base/clock.h"
#include "hosting/cert_env.h"
#include "hosting/proof.h"
#include "hosting/zone.h"
#include "io/addr.h"
#include "io/probe_client.h"
#include "store/store.h"

#define KEEPER_CHECK_THREADS 4
#define KEEPER_CHECK_LOOK_MS 250

struct keeper_checks_options {
	const char *database;
	const struct probe_client *probe;
	const struct zone_config *zone;
	const struct cert_config *cert; /* for orders: directory, profile */
	const struct clock *clock;
};

struct keeper_checks;

/* Starts n threads. */
enum status keeper_checks_start(const struct keeper_checks_options *opt,
	size_t n, struct keeper_checks **out, struct err *e);
/* Waits for the looks that are under way; clears *c. */
void keeper_checks_stop(struct keeper_checks **c);

/* ---- one domain: what the threads do, for tests ---- */

/*
 * Writes what a look found, and the MX hosts of DNS (n == 0: not known), into
 * the row as it is now; queues the first certificate if there is none.
 */
enum status keeper_found(const struct keeper_checks_options *opt,
	struct store *s, struct arena *a, struct str tenant, struct str name,
	const struct proof_look *look, const struct store_strs *mx,
	struct err *e);

/* Queues certificates that system hosts have not got. */
enum status keeper_system_certs(const struct keeper_checks_options *opt,
	struct store *s, struct err *e);
