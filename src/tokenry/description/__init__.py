"""What the service says about itself: `openapi.yaml`, as JSON at `/openapi.json` and as a page at `/docs`."""
