"""The log, its projections and its effects at a glance: the page that somebody on call opens first."""

from factos_django.admin.dashboard.dashboard_page import DashboardPage

__all__ = ["DashboardPage"]
