"""Each service's own database: unit of work, the tables every service has, migrations, the audit chain."""
