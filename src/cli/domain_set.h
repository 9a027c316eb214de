/* SPDX-License-Identifier: Apache-2.0 */
/* domain_set: moat domain set: max_age, and where TLS reports go. */
#pragma once

#include "cli/cli.h"

/* The command; an exit code. */
int domain_set_run(struct cli *cli, const struct args *args);

extern const struct arg_row domain_set_options[];
