/* SPDX-License-Identifier: Apache-2.0 */
/* domain_list: moat domain list: all domains, printed page by page. */
#pragma once

#include "cli/cli.h"

/* The command; an exit code. */
int domain_list_run(struct cli *cli, const struct args *args);
