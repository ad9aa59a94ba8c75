"""Patients on the ward: stays, devices, plans, and the rules about them. Records and pure functions, no database."""
