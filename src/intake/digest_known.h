/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_known: what the database says of domains and tenants, each read once
 * and believed from then on: for a batch of files, which takes less than a
 * second. All of it is borrowed and lives as long as the struct.
 */
#pragma once

#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "store/store.h"

struct digest_known;

struct digest_known *digest_known_new(struct store *s);
void digest_known_free(struct digest_known **k);

/* As the store_ functions of these names. */
enum status digest_known_domain(struct digest_known *k, struct str tenant,
	struct str name, const struct store_domain **out, struct err *e);
enum status digest_known_domain_by_label(struct digest_known *k,
	struct str label, const struct store_domain **out, struct err *e);
enum status digest_known_claims(struct digest_known *k, struct str name,
	const struct store_domain **out, size_t *n, struct err *e);
enum status digest_known_rule(struct digest_known *k, struct str tenant,
	struct store_report_rule *out, struct err *e);
