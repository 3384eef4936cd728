"""An app with reactors: parcels are sent, their buyers are told, and billed one after another."""
