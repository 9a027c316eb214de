/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_tests: what moat doctor looks at: this machine, the role policy, and
 * the mail server beside it. Each adds its lines; none changes anything.
 */
#pragma once

#include "cli/cli.h"
#include "outbound/doctor.h"
#include "outbound/engine.h"

struct settings;

struct examination {
	struct cli *cli;
	const struct settings *set;
	const struct engine_profile *profiles;
	size_t n_profiles;
	struct doctor doctor;
};

/* The clock, the certificates to trust, the resolver. */
void doctor_test_machine(struct examination *x);

/* The role policy: its own tests, and an answer from each of its sockets. */
void doctor_test_role(struct examination *x);

/* Postfix by postconf, or Sendmail by its sendmail.cf. */
void doctor_test_mta(struct examination *x);
